/** The API, with its types. `ask` gives the answer or throws a `Problem`. The browser sends the session's cookie by itself. */
import createClient from 'openapi-fetch';
import { noteLost } from './connection.ts';
import { noAnswer, problemOf } from './problem.ts';
import type { paths } from './schema.ts';
import { endSession } from './session.ts';

export const api = createClient<paths>({
  baseUrl: '/',
  fetch: (request) =>
    fetch(request).catch((error: unknown) => {
      // Cut off by us, because nobody waits for it any more.
      if (request.signal.aborted) throw error;
      noteLost();
      throw noAnswer();
    }),
});

/**
 * @param asked what a method of `api` gives
 * @throws Problem
 */
export async function ask<T>(asked: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await asked;
  if (response.ok && data !== undefined) return data;
  const problem = problemOf(response.status, error);
  if (problem.status === 401) endSession();
  throw problem;
}

/**
 * Asks for a list page after page, until it is complete; for lists that a page needs as a whole.
 *
 * @param askPage asks for the page that comes after the query's cursor
 * @throws Problem
 */
export async function askAll<T>(
  askPage: (query: { limit: number; cursor?: string }) => Promise<{ items: T[]; nextCursor: string | null }>,
): Promise<{ items: T[] }> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const page = await askPage({ limit: 200, ...(cursor === null ? {} : { cursor }) });
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return { items };
}
