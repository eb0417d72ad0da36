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

function isProblemBody(body: unknown): body is Schema<'Problem'> {
  return typeof body === 'object' && body !== null && 'code' in body && 'detail' in body && 'title' in body;
}
