/** Lists as CSV files: the same view as the list's JSON, with the same filters, at the same address with `.csv`. */
import { Readable } from 'node:stream';
import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { writeLines, type Cell } from '../domain/spreadsheet.ts';
import type { ApiEnv } from './context.ts';
import { route } from './define.ts';

/** The columns of a file: each has a name, and says what it shows of an item. */
export interface Sheet<Item extends z.ZodType> {
  item: Item;
  columns: readonly (readonly [name: string, cell: (item: z.output<Item>) => Cell])[];
}

/** A file is read from the database in pages of so many items, so that its size does not matter. */
const itemsPerPage = 1_000;

/** Defines the file of a list. @param config.path of the list @param config.example an item, as the list shows it */
export function sheetRoute<
  P extends string,
  Q extends { params?: z.ZodObject; query?: z.ZodObject },
  Item extends z.ZodType,
>({
  path,
  sheet,
  example,
  ...rest
}: {
  path: P;
  operationId: string;
  summary: string;
  tag: string;
  request: Q;
  sheet: Sheet<Item>;
  example: NoInfer<z.output<Item>>;
}) {
  return route({
    ...rest,
    method: 'get',
    path: `${path}.csv` as const,
    scope: 'read',
    ok: 200,
    answer: z.string(),
    example: linesOf(sheet, [example], { header: true }),
    media: 'text/csv',
    problems: {},
  });
}

/**
 * Sends a list as a file, page after page as fast as it is taken. The first page is read before anything is sent, so that what
 * is wrong is still answered as a problem; when a later one fails, the connection breaks: half a file must not look like a whole one.
 *
 * @param name of the file, without `.csv`: letters, digits and dashes
 * @param readPage reads the page of items after the cursor
 */
export async function sendSheet<Item extends z.ZodType>(
  c: Context<ApiEnv>,
  name: string,
  sheet: Sheet<Item>,
  readPage: (page: {
    cursor: string | undefined;
    limit: number;
  }) => Promise<{ items: z.input<Item>[]; nextCursor: string | null }>,
): Promise<Response> {
  const { logger } = c.get('deps');
  const read = async (cursor: string | undefined, options: { header: boolean }) => {
    const { items, nextCursor } = await readPage({ cursor, limit: itemsPerPage });
    return { text: linesOf(sheet, z.array(sheet.item).parse(items), options), nextCursor };
  };
  const first = await read(undefined, { header: true });
  const text = async function* () {
    try {
      for (let page = first; ; page = await read(page.nextCursor, { header: false })) {
        yield Buffer.from(page.text);
        if (page.nextCursor === null) return;
      }
    } catch (error) {
      logger.error({ err: error, path: c.req.path, requestId: c.get('requestId') }, 'a file broke off');
      throw error;
    }
  };
  return c.body(Readable.toWeb(Readable.from(text(), { objectMode: false })) as ReadableStream, 200, {
    'content-type': 'text/csv; charset=utf-8',
    'content-disposition': `attachment; filename="${name}.csv"`,
  });
}

/** With a mark before the header by which a spreadsheet sees that the text is UTF-8. */
function linesOf<Item extends z.ZodType>(
  { columns }: Sheet<Item>,
  items: readonly z.output<Item>[],
  { header }: { header: boolean },
): string {
  const lines = writeLines([
    ...(header ? [columns.map(([name]) => name)] : []),
    ...items.map((item) => columns.map(([, cell]) => cell(item))),
  ]);
  return header ? `\uFEFF${lines}` : lines;
}
