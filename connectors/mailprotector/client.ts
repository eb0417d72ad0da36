/** Mailprotector's REST API (mailprotector.md §1–4): bearer key, bare arrays, pages. */
import pLimit from 'p-limit';
import { z } from 'zod';
import { ConnectorError } from '../errors.ts';
import type { HttpClient } from '../http.ts';
import type { CallOptions } from '../vendor.ts';

export interface MailprotectorClient {
  get<T>(route: string, path: string, schema: z.ZodType<T>, options?: CallOptions): Promise<T>;
  /** All pages of a list, complete or an error. */
  list<T extends { id: string }>(
    route: string,
    path: string,
    schema: z.ZodType<T>,
    options?: CallOptions,
  ): Promise<T[]>;
}

/** More pages than any reseller has: a list that never ends is an error, not a loop. */
const maxPages = 20_000;

/**
 * @param perPage rows asked for; the vendor may clamp it (25 by default, 50 the largest seen: §2)
 * @param concurrency requests at once
 */
export function createMailprotectorClient(http: HttpClient, perPage: number, concurrency: number): MailprotectorClient {
  const limit = pLimit(concurrency);

  return {
    async get(route, path, schema, options) {
      const answer = await limit(() => http.request({ method: 'GET', route, path, schema, signal: options?.signal }));
      return answer.data;
    },

    /**
     * Reads the first page, and the others side by side if the header says how many rows there are in all; otherwise
     * one after another until an empty page. A short page alone ends nothing: the vendor may clamp the page size, and a
     * truncated page looks just the same. Rows that moved while we read (an id that comes twice, another total) mean
     * that others were passed over; a page shorter than a later one was cut.
     */
    async list(route, path, schema, options) {
      const rows = new Map<string, z.infer<typeof schema>>();
      const read = async (page: number) => {
        const query = { page, per_page: perPage };
        const wanted = { method: 'GET' as const, route, path, query, schema: z.array(schema), signal: options?.signal };
        const { data, headers } = await limit(() => http.request(wanted));
        for (const row of data) {
          if (rows.has(row.id)) throw incomplete(route, 'a row came twice, so rows moved while they were read');
          rows.set(row.id, row);
        }
        return { size: data.length, total: totalIn(headers.get('x-pagination')) };
      };

      const first = await read(1);
      if (first.total === undefined) {
        for (let page = 2, before = first.size; before > 0; page++) {
          if (page > maxPages) throw incomplete(route, `it did not end after ${maxPages} pages`);
          const { size } = await read(page);
          if (size > before) throw incomplete(route, 'a page was shorter than a later one');
          before = size;
        }
        return [...rows.values()];
      }
      const pages = first.size > 0 ? Math.ceil(first.total / first.size) : 1;
      if (pages > maxPages) throw incomplete(route, `it would have ${pages} pages`);
      const others = await Promise.all(Array.from({ length: pages - 1 }, (_unused, at) => read(at + 2)));
      if (others.some(({ total }) => total !== first.total))
        throw incomplete(route, 'the number of rows changed while they were read');
      if (rows.size < first.total) throw incomplete(route, `${rows.size} of ${first.total} rows came`);
      return [...rows.values()];
    },
  };
}

function incomplete(route: string, why: string): ConnectorError {
  return new ConnectorError({
    kind: 'transient',
    code: 'incomplete',
    detail: `GET ${route}: the list did not arrive whole: ${why}`,
  });
}

/**
 * The number of rows in all, from `X-Pagination`. Its key names are unknown (mailprotector.md §2), so the usual ones are
 * tried; without one, pages are walked until an empty one.
 */
function totalIn(header: string | null): number | undefined {
  if (header === null) return undefined;
  try {
    const keys = JSON.parse(header) as Record<string, unknown>;
    for (const name of ['total', 'total_count', 'total_entries', 'totalCount', 'TotalCount', 'count']) {
      const value = keys[name];
      if (typeof value === 'number' && Number.isInteger(value)) return value;
    }
  } catch {
    // A header that is not JSON is as good as none.
  }
  return undefined;
}
