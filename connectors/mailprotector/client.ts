/** Mailprotector's REST API (mailprotector.md §1–4): bearer key, bare arrays, pages. */
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
 */
export function createMailprotectorClient(http: HttpClient, perPage: number): MailprotectorClient {
  return {
    async get(route, path, schema, options) {
      return (await http.request({ method: 'GET', route, path, schema, signal: options?.signal })).data;
    },

    /**
     * Walks pages until the header says that all have come, or until an empty page. A short page alone ends nothing: the
     * vendor may clamp the page size, and a truncated page looks just the same. Rows that moved while we read (an id that
     * comes twice, another total) mean that others were passed over; a page shorter than a later one was cut.
     */
    async list(route, path, schema, options) {
      const rows = new Map<string, z.infer<typeof schema>>();
      let firstTotal: number | undefined;
      let shortest = Infinity;
      for (let page = 1; page <= maxPages; page++) {
        const answer = await http.request({
          method: 'GET',
          route,
          path,
          query: { page, per_page: perPage },
          schema: z.array(schema),
          signal: options?.signal,
        });
        for (const row of answer.data) {
          if (rows.has(row.id)) throw incomplete(route, 'a row came twice, so rows moved while they were read');
          rows.set(row.id, row);
        }
        if (answer.data.length > shortest) throw incomplete(route, 'a page was shorter than a later one');
        shortest = Math.min(shortest, answer.data.length);
        const total = totalIn(answer.headers.get('x-pagination'));
        if (page > 1 && total !== firstTotal)
          throw incomplete(route, 'the number of rows changed while they were read');
        firstTotal = total;
        if (total !== undefined && rows.size >= total) return [...rows.values()];
        if (answer.data.length === 0) {
          if (total !== undefined && rows.size < total) throw incomplete(route, `${rows.size} of ${total} rows came`);
          return [...rows.values()];
        }
      }
      throw incomplete(route, `it did not end after ${maxPages} pages`);
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
