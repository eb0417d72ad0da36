/** The problems that a route may answer with, as its contract states them. */
import type { RouteConfig } from '@hono/zod-openapi';
import { ApiProblem, problemSchema } from './problem.ts';

/**
 * The codes of the problems that are a route's own, by status. What follows from the kind of the route is not named: see
 * `problemResponses`.
 */
export type OwnProblems = { readonly [Status in 404 | 409 | 422 | 429 | 503]?: readonly string[] };

/** By status: what it means, and the text of an example. */
const meanings = {
  400: ['The request does not fit its schema', 'The address contains a NUL, or text that is not valid Unicode.'],
  401: ['No token and no session, or one that is not valid', 'Send a token: "Authorization: Bearer …".'],
  403: ['The caller lacks the scope', 'This needs a token with the scope "operate".'],
  404: ['There is no such thing in this organization', 'There is no such integration.'],
  409: ['The present state does not allow it', 'A sentence that says why not, and what to do first.'],
  413: ['The body is too large', 'The body is larger than 1048576 bytes.'],
  415: [
    'The body is not JSON, or its charset is not known',
    'Send the body as JSON, with "Content-Type: application/json".',
  ],
  422: ['Understood, but it cannot be done', 'A sentence that says why not, and what to send instead.'],
  429: ['Too many requests', 'More than 50 requests per second with one token.'],
  500: ['An error in Countersign', 'Something went wrong in Countersign. Report it with the request id.'],
  503: ['Something that Countersign needs is not there', 'The database does not answer, so nothing was changed.'],
} as const;

type Status = keyof typeof meanings;

/**
 * Returns the problem responses of a route: those that follow from its method, its address and its query, and its own. Each
 * lists its codes, as `x-codes` for programs and in its description for persons.
 */
export function problemResponses({
  method,
  path,
  request,
  problems,
}: {
  method: string;
  path: string;
  request: NonNullable<RouteConfig['request']>;
  problems: OwnProblems;
}) {
  const takesBody = method !== 'get';
  const isPost = method === 'post';
  const isPaged =
    request.query !== undefined && 'shape' in request.query && 'cursor' in (request.query.shape as object);
  const when = (holds: boolean, ...codes: string[]) => (holds ? codes : []);
  const codes: Record<Status, string[]> = {
    400: [
      'invalid-text',
      ...when(takesBody || Object.keys(request).length > 0, 'invalid-request'),
      ...when(takesBody, 'invalid-json', 'body-broken-off'),
      ...when(isPost, 'invalid-idempotency-key'),
      ...when(isPaged, 'invalid-cursor'),
    ],
    401: ['no-token', 'bad-token', 'no-session'],
    403: ['missing-scope', ...when(takesBody, 'wrong-origin')],
    404: [...new Set([...when(path.includes('{'), 'not-found'), ...(problems[404] ?? [])])],
    409: [...(problems[409] ?? []), ...when(isPost, 'in-progress')],
    413: when(takesBody, 'too-large'),
    415: when(takesBody, 'not-json', 'unknown-charset'),
    422: [...(problems[422] ?? []), ...when(isPost, 'idempotency-key-reused')],
    429: ['too-many-requests', ...(problems[429] ?? [])],
    500: ['internal', 'bad-answer'],
    503: [...(problems[503] ?? []), 'database-unavailable'],
  };
  const described = Object.entries(codes).flatMap(([status, ofStatus]) => {
    const [first] = ofStatus;
    return first === undefined ? [] : [[status, response(Number(status) as Status, ofStatus, first)]];
  });
  return { ...Object.fromEntries(described), 431: headersTooLarge } as Record<number, { description: string }>;
}

/** Node answers it before we see the request, so it is no problem document. */
const headersTooLarge = { description: 'The header fields are larger than 16 KiB; the answer has no body' };

function response(status: Status, codes: readonly string[], first: string) {
  const [meaning, detail] = meanings[status];
  return {
    description: `${meaning}: ${codes.map((code) => `\`${code}\``).join(', ')}`,
    'x-codes': codes,
    content: {
      'application/problem+json': {
        schema: problemSchema,
        example: new ApiProblem(status, first, detail).toBody('0b8f9c1e-5d2c-4c53-9d0e-3f6f3a3f1d11'),
      },
    },
  };
}
