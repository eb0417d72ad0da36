/** Defines routes: schema, scope and answer in one place; every answer is checked before it is sent. */
import { createRoute, OpenAPIHono, z, type RouteConfig } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { today } from '../domain/day.ts';
import type { ApiEnv, Scope } from './context.ts';
import { requireScope } from './middleware/authenticate.ts';
import { ApiProblem, fieldErrors } from './problem.ts';
import { problemResponses, type OwnProblems } from './problemResponses.ts';

export function createRouter(): OpenAPIHono<ApiEnv> {
  return new OpenAPIHono<ApiEnv>({
    defaultHook: (result) => {
      if (result.success) return;
      const errors = fieldErrors(result.error, '');
      const fields = errors.map((error) => error.field || 'body').join(', ');
      throw new ApiProblem(400, 'invalid-request', `The request does not fit: ${fields}.`, { errors });
    },
  });
}

type Method = 'get' | 'post' | 'put' | 'delete';

/** A required JSON body, with an example. */
export function jsonBody<T extends z.ZodType>(schema: T, example: NoInfer<z.input<T>>) {
  return { content: { 'application/json': { schema, example } }, required: true as const };
}

/** The day on which something ends that holds now. */
export const dayToCome = z.iso.date({ abort: true }).refine((day) => day >= today(), 'is past');

/** 1 to 200 visible ASCII characters. */
export const idempotencyKey = /^[!-~]{1,200}$/;

const idempotencyHeader = z.object({
  'idempotency-key': z.string().regex(idempotencyKey).optional().openapi({
    description: 'For a day, the same request with the same key is carried out once and gets the same answer.',
    example: 'sync-2026-11-23',
  }),
});

/**
 * Defines one operation. The schema of its answer is for the contract and for `send`, which checks every answer with it.
 *
 * @param config.example an answer, as it is sent
 * @param config.stream true for an answer of server-sent events, each of which has the answer's schema
 * @param config.problems the codes that are this route's own; those that follow from what it is are added
 * @param config.media the media type of an answer that is not JSON; `sendFile` sends it
 */
export function route<P extends string, Q extends NonNullable<RouteConfig['request']>, A extends z.ZodType>(config: {
  method: Method;
  path: P;
  operationId: string;
  summary: string;
  tag: string;
  scope: Scope;
  request: Q;
  ok: 200 | 201 | 202;
  answer: A;
  example: NoInfer<z.output<A>>;
  problems: OwnProblems;
  stream?: boolean;
  media?: 'application/json' | 'text/csv';
}) {
  const { scope, ok, answer, tag, example, problems: _, stream, media = 'application/json', ...rest } = config;
  const content = stream ? { 'text/event-stream': { schema: answer } } : { [media]: { schema: answer, example } };
  const responses: Record<number, { description: string }> = {
    ...problemResponses(config),
    [ok]: { description: stream ? `Events; the data of each is like ${JSON.stringify(example)}` : 'OK', content } as {
      description: string;
    },
  };
  const headers = config.method === 'post' ? { headers: idempotencyHeader } : {};
  return createRoute({
    ...rest,
    request: { ...config.request, ...headers },
    tags: [tag],
    security: [{ bearer: [] }],
    middleware: [requireScope(scope)] as const,
    responses,
  });
}

/** Sends an answer that fits its schema: unknown fields are dropped, and an answer that does not fit becomes a 500, as it is our error. */
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

/** Sends a file for download. @param name the file's name: letters, digits, dots and dashes */
export function sendFile(c: Context<ApiEnv>, type: 'text/csv', name: string, text: string): Response {
  return c.body(text, 200, {
    'content-type': `${type}; charset=utf-8`,
    'content-disposition': `attachment; filename="${name}"`,
  });
}

export const idParam = z.object({ id: z.uuid().openapi({ example: '0b8f9c1e-5d2c-4c53-9d0e-3f6f3a3f1d11' }) });

/** Ids for examples, by what they identify. */
export const exampleIds = {
  psaConnection: '0b8f9c1e-5d2c-4c53-9d0e-3f6f3a3f1d11',
  integration: '5f0c3a52-8f0e-4d7b-a0c3-0d6ad1f9b7e4',
  run: '9d1c7f6a-2f43-4f0d-8a55-6c1f6e4f2b90',
  card: 'c3a1b2d4-6e5f-4a7b-8c9d-0e1f2a3b4c5d',
  approval: 'e7d6c5b4-a392-4817-8f6e-5d4c3b2a1908',
  line: '1a2b3c4d-5e6f-4708-9a1b-2c3d4e5f6071',
} as const;

export const pageQuery = z.object({
  cursor: z.string().max(500).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

export const searchSchema = z.string().trim().min(2).max(200).optional();

export const exampleVersion = 'q3Jt1mXkPz0vWn8B';
const seen = z.string().min(1).max(64).openapi({
  description:
    'The `version` that was shown. If somebody has changed it meanwhile, nothing is changed, and 409 `changed-meanwhile` says who did what.',
  example: exampleVersion,
});
/** The query of a request that could undo another person's decision. */
export const seenQuery = z.object({ seen });
/** The query of a request that sets a state, as a script may: without `seen` the last request holds. */
export const seenIfGiven = z.object({ seen: seen.optional() });
/** The version of a decision, which a request to change it sends back as `seen`. */
export const versionSchema = z.string().openapi({
  description:
    'The version of a decision: it changes when the decision changes, and a request to change it takes it as `seen`',
});

/** Encodes the place of a page's last item in its list; the cursor is opaque to the caller. */
export function encodeCursor(place: string): string {
  return Buffer.from(place).toString('base64url');
}

const badCursor = () =>
  new ApiProblem(400, 'invalid-cursor', 'The cursor is not one that Countersign gave out for this list.');

/**
 * @param place the form of a place in this list; it is checked, because a cursor comes from the caller and is used in SQL
 * @throws ApiProblem for a cursor that this list did not give out
 */
export function decodeCursor<T>(cursor: string | undefined, place: z.ZodType<T, string>): T | undefined {
  if (cursor === undefined) return undefined;
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  if (encodeCursor(text) !== cursor) throw badCursor();
  const parsed = place.safeParse(text);
  if (!parsed.success) throw badCursor();
  return parsed.data;
}

/** Forms of places in lists: one of our ids, an id of an outside system, a number. */
export const ourId = z.uuid();
// PostgreSQL does not accept a NUL in text.
export const outsideId = z.string().regex(/^[^\0]{1,500}$/);
export const ordinal = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number);

/** A place in a list of at most 10⁹ rows, so that it fits PostgreSQL's integer. */
export const position = z
  .string()
  .regex(/^\d{1,9}$/)
  .transform(Number);

/** A place that consists of several values, as JSON. */
export function jsonPlace<T>(shape: z.ZodType<T>) {
  return z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue('It is not JSON.');
        return z.NEVER;
      }
    })
    .pipe(shape);
}

/** Makes a page of rows that were read with one more than `limit`, to know whether another page follows. */
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

/** A schema of its own, because `isoDate.nullable()` would be a plain string in the contract. */
export const isoDateOrNull = z
  .date()
  .nullable()
  .transform((date) => date?.toISOString() ?? null)
  .openapi({ type: ['string', 'null'], format: 'date-time' });
