/** The API, with its types. `ask` gives the answer or throws a `Problem`. */
import createClient, { type Middleware } from 'openapi-fetch';
import { noteLost } from './connection.ts';
import { noAnswer, notOurs, Problem } from './problem.ts';
import type { paths } from './schema.ts';
import { credentials, endSession } from './session.ts';
import type { Schema } from './types.ts';

const asTheCaller: Middleware = {
  onRequest({ request }) {
    for (const [name, value] of Object.entries(credentials()))
      if (!request.headers.has(name)) request.headers.set(name, value);
  },
};

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
api.use(asTheCaller);

/**
 * @param asked what a method of `api` gives
 * @throws Problem
 */
export async function ask<T>(asked: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await asked;
  if (response.ok && data !== undefined) return data;
  if (!isProblemBody(error)) {
    if ([502, 504].includes(response.status)) noteLost();
    throw notOurs(response.status);
  }
  if (response.status === 401) endSession();
  throw new Problem(error);
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

function isProblemBody(body: unknown): body is Schema<'Problem'> {
  return typeof body === 'object' && body !== null && 'code' in body && 'detail' in body && 'title' in body;
}
