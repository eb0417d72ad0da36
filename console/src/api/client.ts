/** The API, with its types. `ask` gives the answer or throws a `Problem`. The browser sends the session's cookie by itself. */
import createClient from 'openapi-fetch';
import { noteLost } from './connection.ts';
import { noAnswer, problemOf } from './problem.ts';
import type { paths } from './schema.ts';
import { endSession, sessionOpened, sessionState } from './session.ts';

export const api = createClient<paths>({ baseUrl: '/', fetch: send });

/**
 * Sends a request. When the session has ended, it is sent again once the person has signed in again: so nothing is lost of what a
 * form has sent.
 */
async function send(request: Request): Promise<Response> {
  const again = request.clone();
  const response = await sendOnce(request);
  if (response.status !== 401) return response;
  endSession();
  if (sessionState() !== 'ended') return response;
  await sessionOpened(request.signal);
  return send(again);
}

/** @throws Problem when there is no answer */
export function sendOnce(request: Request): Promise<Response> {
  return fetch(request).catch((error: unknown) => {
    // Cut off by us, because nobody waits for it any more.
    if (request.signal.aborted) throw error;
    noteLost();
    throw noAnswer();
  });
}

/**
 * @param asked what a method of `api` gives
 * @throws Problem
 */
export async function ask<T>(asked: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await asked;
  if (response.ok && data !== undefined) return data;
  throw problemOf(response.status, error);
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
