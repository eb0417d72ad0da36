/** How a route is defined: schema, scope and answer in one place, and every answer checked before it is sent. */
import { createRoute, OpenAPIHono, z, type RouteConfig } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { ApiEnv, Scope } from './context.ts';
import { requireScope } from './middleware/authenticate.ts';
import { ApiProblem, problemSchema } from './problem.ts';

export function createRouter(): OpenAPIHono<ApiEnv> {
  return new OpenAPIHono<ApiEnv>({
    defaultHook: (result) => {
      if (result.success) return;
      const errors = result.error.issues.map((issue) => ({
        field: issue.path.map(String).join('.'),
        message: issue.message,
      }));
      const fields = errors.map((error) => error.field || 'body').join(', ');
      throw new ApiProblem(400, 'invalid-request', `The request does not fit: ${fields}.`, { errors });
    },
  });
}

const problem = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: problemSchema } },
});

/** The answers every route may give besides its own. */
const problems = {
  400: problem('The request does not fit its schema'),
  401: problem('No token, or one that is not valid'),
  403: problem('The token lacks the scope'),
  404: problem('There is no such thing in this organization'),
  409: problem('Not in this state'),
  413: problem('The body is too large'),
  422: problem('Understood, but it cannot be done'),
  429: problem('Too many requests'),
  500: problem('An error in Countersign'),
};

/** Scope a route needs, by `METHOD path`, read by the authentication middleware and the security test. */
export const scopes = new Map<string, Scope>();

type Method = 'get' | 'post' | 'put' | 'delete';

/**
 * One operation. Its answer's schema is for the contract and for `send`, which checks every answer against it.
 */
export function route<P extends string, Q extends NonNullable<RouteConfig['request']>>(config: {
  method: Method;
  path: P;
  operationId: string;
  summary: string;
  tag: string;
  scope: Scope;
  request: Q;
  ok: 200 | 201 | 202;
  answer: z.ZodType;
}) {
  const { scope, ok, answer, tag, ...rest } = config;
  scopes.set(`${config.method.toUpperCase()} ${config.path}`, scope);
  const responses: Record<number, { description: string }> = {
    ...problems,
    [ok]: { description: 'OK', content: { 'application/json': { schema: answer } } } as { description: string },
  };
  return createRoute({
    ...rest,
    tags: [tag],
    security: [{ bearer: [] }],
    middleware: [requireScope(scope)] as const,
    responses,
  });
}

/** Sends what fits the schema, and nothing else: unknown fields are dropped, a misfit is our error, never the caller's surprise. */
export function send<T extends z.ZodType>(
  c: Context<ApiEnv>,
  schema: T,
  data: z.input<T>,
  status: 200 | 201 | 202 = 200,
): Response {
  const parsed = schema.safeParse(data);
  if (!parsed.success) {
    c.get('deps').logger.error({ issues: parsed.error.issues, path: c.req.path }, 'an answer does not fit its schema');
    throw new ApiProblem(
      500,
      'bad-answer',
      'Countersign made an answer that does not fit its own contract. Report it with the request id.',
    );
  }
  return c.json(parsed.data as object, status);
}

export const idParam = z.object({ id: z.uuid().openapi({ example: '0b8f9c1e-5d2c-4c53-9d0e-3f6f3a3f1d11' }) });

export const pageQuery = z.object({
  cursor: z.string().max(500).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

/** The last item's place, opaque to the caller. */
export function encodeCursor(place: string): string {
  return Buffer.from(place).toString('base64url');
}

/** @throws ApiProblem for a cursor we did not make */
export function decodeCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const place = Buffer.from(cursor, 'base64url').toString('utf8');
  if (encodeCursor(place) !== cursor)
    throw new ApiProblem(400, 'invalid-cursor', 'The cursor is not one that Countersign gave out.');
  return place;
}

/** A page of a list read with one row more than wanted, to know whether there is another. */
export function pageOf<T>(
  rows: readonly T[],
  limit: number,
  placeOf: (row: T) => string,
): { items: T[]; nextCursor: string | null } {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last !== undefined ? encodeCursor(placeOf(last)) : null };
}

export function listOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() });
}

export const isoDate = z
  .date()
  .transform((date) => date.toISOString())
  .openapi({ type: 'string', format: 'date-time' });
