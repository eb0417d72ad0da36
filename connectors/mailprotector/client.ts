/** Mailprotector's REST API (mailprotector.md §1–4): bearer key, bare arrays, pages. */
import pLimit from 'p-limit';
import { z } from 'zod';
import type { HttpClient } from '../http.ts';
import { countDisagrees, ignoresPage, incomplete, mayBeFull, type Disagreement } from '../incomplete.ts';
import { handOver, readRows, type ListedRow } from '../rows.ts';
import type { CallOptions } from '../vendor.ts';
import { claimsOf, type PageClaims } from './pageClaims.ts';

export interface MailprotectorClient {
  get<T>(route: string, path: string, schema: z.ZodType<T>, options?: CallOptions): Promise<T>;
  /**
   * All rows of a list. If the list is not whole, a caller with `options.accept` gets the rows that came.
   *
   * @throws ConnectorError `incomplete` when the evidence does not agree and there is no `options.accept`
   */
  list<T extends { id: string }>(
    route: string,
    path: string,
    schema: z.ZodType<T>,
    options?: CallOptions,
  ): Promise<T[]>;
}

/** More pages than any reseller has, so that a list which never ends is an error and not a loop. */
const maxPages = 20_000;
/** At most so many pages are asked for together, so that a wrong total costs no more than these. */
const pagesTogether = 32;

interface Page<T> {
  number: number;
  rows: T[];
  claims: PageClaims;
}

/**
 * @param perPage the rows that are asked for per page; the vendor may clamp it (25 by default, 50 the largest seen: §2)
 * @param concurrency the most requests at once
 */
export function createMailprotectorClient(http: HttpClient, perPage: number, concurrency: number): MailprotectorClient {
  const limit = pLimit(concurrency);

  return {
    async get(route, path, schema, options) {
      const answer = await limit(() => http.request({ method: 'GET', route, path, schema, signal: options?.signal }));
      return answer.data;
    },

    /**
     * Reads the first page, then the pages that its headers promise side by side, then further ones until the end is certain:
     * an empty page, or a short page that the headers call the last. After a full page one more is asked for, whatever the
     * headers say. At the end everything that the headers said is compared with the rows that came.
     */
    async list(route, path, schema, options) {
      const read = async (number: number): Promise<Page<ListedRow<z.infer<typeof schema>>>> => {
        const query = { page: number, per_page: perPage };
        const wanted = {
          method: 'GET' as const,
          route,
          path,
          query,
          schema: z.array(z.unknown()),
          signal: options?.signal,
        };
        const { data, headers } = await limit(() => http.request(wanted));
        return { number, rows: readRows(data, schema, path), claims: claimsOf(headers) };
      };

      const first = await read(1);
      const pages = [first];
      const promised = pagesPromised(first);
      const seen = new Set(first.rows.map((row) => row.id));
      let repeats = false;
      while (!repeats && !isOver(pages) && pages.length < maxPages) {
        const ahead = Math.min(pagesTogether, Math.max(1, promised - pages.length));
        const from = pages.length + 1;
        const more = await Promise.all(Array.from({ length: ahead }, (_unused, at) => read(from + at)));
        // The server sends the same page again, so the list would never end.
        for (const { rows } of more) {
          repeats ||= rows.length > 0 && rows.every((row) => seen.has(row.id));
          for (const row of rows) seen.add(row.id);
        }
        pages.push(...more);
      }
      const { rows, disagreements } = weigh(pages);
      if (disagreements.length === 0) return handOver(rows, path, options);
      const error = incomplete(path, disagreements);
      if (!options?.accept) throw error;
      options.accept(error.detail);
      return handOver(rows, path, options);
    },
  };
}

/** How many pages there should be, by the first page. */
function pagesPromised({ rows, claims }: Page<unknown>): number {
  const { total, count, pages = 1 } = claims;
  return rows.length === 0 ? 1 : Math.max(pages, Math.ceil((total ?? count ?? 0) / rows.length));
}

/** Whether it is certain that nothing more comes. */
function isOver(pages: readonly Page<unknown>[]): boolean {
  const last = pages.at(-1);
  if (!last || pages.some((page) => page.rows.length === 0)) return true;
  const { total, count, pages: pageCount, next, perPage = 0 } = last.claims;
  // A full page is one with as many rows as any page has or is said to have; the vendor may clamp the size we ask for.
  if (mayBeFull(last.rows.length, Math.max(perPage, ...pages.map((page) => page.rows.length)))) return false;
  const rows = pages.reduce((sum, page) => sum + page.rows.length, 0);
  const more = next === true || (pageCount ?? 0) > last.number || (total ?? 0) > rows;
  // A short page is the end only if a header says so; otherwise it may have been cut. A count of its own rows does not say so.
  const end =
    next === false || pageCount === last.number || total === rows || (count === rows && count !== last.rows.length);
  return end && !more;
}

/** The rows, each once, and all evidence that they are not the whole list. */
function weigh<T extends { id: string }>(pages: readonly Page<T>[]): { rows: T[]; disagreements: Disagreement[] } {
  const rows = new Map<string, T>();
  const disagreements: Disagreement[] = [];
  const note = (why: string, contradiction?: Disagreement['contradiction']) =>
    disagreements.push({ why, ...(contradiction ? { contradiction } : {}) });

  if (pages.length >= maxPages) note(`it did not end after ${maxPages} pages`);
  for (const page of pages) {
    const again = page.rows.filter((row) => rows.has(row.id)).length;
    if (again > 0 && again === page.rows.length) disagreements.push(ignoresPage(`page ${page.number}`));
    else if (again > 0) note('a row came twice, so rows moved while they were read');
    for (const row of page.rows) if (!rows.has(row.id)) rows.set(row.id, row);
    if (page.claims.conflict) note(page.claims.conflict);
  }

  const filled = pages.filter((page) => page.rows.length > 0);
  const last = filled.at(-1)?.number ?? 0;
  const counted = totalOf(filled.length > 0 ? filled : pages, rows.size, disagreements);
  // The headers of a page past the end are ignored, unless they count more rows than came.
  const past = pages.find((page) => page.rows.length === 0 && (page.claims.total ?? 0) > rows.size);
  if (past) disagreements.push(countDisagrees(rows.size, past.claims.total ?? 0));

  const largest = Math.max(0, ...filled.map((page) => page.rows.length));
  const gap = pages.some((page) => page.number < last && page.rows.length === 0);
  if (gap || (counted === undefined && filled.some((page) => page.number < last && page.rows.length < largest)))
    note('a page was shorter than a later one, or not full and yet not the last');

  const firstNumber = filled[0]?.claims.page ?? 1;
  for (const { number, claims } of filled) {
    if (claims.page !== undefined && claims.page !== firstNumber + number - 1)
      note(`page ${number} was asked for and the server says it is page ${claims.page}`, 'ignores_page');
    if (claims.pages !== undefined && claims.pages !== last)
      note(`the server says ${claims.pages} pages, and ${last} held rows`, 'counts_other_pages');
    // If no page was asked for after the one that promises more, reading stopped for another reason, which is noted above.
    if (claims.next !== undefined && claims.next !== number < last)
      note(
        claims.next
          ? `the server promises a page after page ${number}, and there is none`
          : `the server calls page ${number} the last, and there are more`,
        'counts_other_pages',
      );
  }
  return { rows: [...rows.values()], disagreements };
}

/**
 * Compares the rows with every total of the headers. `count` means either the total or the number of the page's own rows: it
 * must have the same meaning on every page.
 *
 * @returns the total, if every page gives it and it is the same everywhere
 */
function totalOf(pages: readonly Page<unknown>[], rows: number, disagreements: Disagreement[]): number | undefined {
  const totals = pages.flatMap(({ claims }) => claims.total ?? []);
  const counts = pages.flatMap(({ claims, rows: own }) =>
    claims.count === undefined ? [] : [{ count: claims.count, own: own.length }],
  );
  if (counts.length > 0 && counts.some(({ count, own }) => count !== own))
    totals.push(...counts.map(({ count }) => count));
  const [total] = totals;
  if (total === undefined) return undefined;
  if (totals.some((other) => other !== total)) {
    const countsOwnRows = pages.every(({ claims, rows: own }) => (claims.total ?? claims.count) === own.length);
    disagreements.push(
      countsOwnRows
        ? { why: "the server's total is the number of each page's own rows", contradiction: 'counts_too_few' }
        : { why: 'the number of rows changed while they were read' },
    );
    return undefined;
  }
  if (total !== rows) disagreements.push(countDisagrees(rows, total));
  return total === rows && totals.length >= pages.length ? total : undefined;
}
