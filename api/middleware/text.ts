import { createMiddleware } from 'hono/factory';
import type { ApiEnv } from '../context.ts';
import { ApiProblem } from '../problem.ts';
import { bodyText } from './body.ts';

/** Deeper than any body that we accept; a deeper one is meant to exhaust a stack. */
const maxDepth = 50;
const jsonType = /^application\/([a-z.-]+\+)?json(;.*)?$/i;

/**
 * Refuses a body that is not JSON, bytes that do not fit their declared encoding, and text that PostgreSQL cannot store (a
 * NUL, half a surrogate pair), before anything is done, so that the caller learns that it is his error.
 */
export const checkText = createMiddleware<ApiEnv>(async (c, next) => {
  checkUrl(c.req.url);
  if (c.req.method !== 'GET' && c.req.method !== 'HEAD') {
    const text = await bodyText(c, ({ status, code, detail }) => new ApiProblem(status, code, detail));
    if (text !== '') checkBody(text, c.req.header('content-type') ?? '');
  }
  await next();
});

function checkUrl(url: string): void {
  const { pathname, search } = new URL(url);
  let text: string;
  try {
    text = decodeURIComponent(pathname) + decodeURIComponent(search);
  } catch {
    throw badText('The address');
  }
  if (isBad(text)) throw badText('The address');
}

function checkBody(text: string, type: string): void {
  if (!jsonType.test(type))
    throw new ApiProblem(415, 'not-json', 'Send the body as JSON, with "Content-Type: application/json".');
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new ApiProblem(400, 'invalid-json', 'The body is not valid JSON.');
  }
  // Not recursive, so that a deeply nested body cannot exhaust the stack.
  const open = [{ value: body, depth: 0 }];
  for (let item = open.pop(); item; item = open.pop()) {
    const { value, depth } = item;
    if (depth > maxDepth)
      throw new ApiProblem(400, 'invalid-request', `The body is nested deeper than ${maxDepth} levels.`);
    if (typeof value === 'string' && isBad(value)) throw badText('The body');
    if (typeof value !== 'object' || value === null) continue;
    for (const [name, inner] of Object.entries(value)) {
      if (isBad(name)) throw badText('The body');
      open.push({ value: inner as unknown, depth: depth + 1 });
    }
  }
}

/** Whether PostgreSQL cannot store a text. With the `u` flag a pair of surrogates is one character, so only lone ones match. */
export function isBad(text: string): boolean {
  return /[\0\p{Surrogate}]/u.test(text);
}

function badText(where: string): ApiProblem {
  return new ApiProblem(400, 'invalid-text', `${where} contains a NUL, or text that is not valid Unicode.`);
}
