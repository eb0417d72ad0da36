/** Tokens of programs: made by an admin, shown once, revoked at once. */
import { z } from '@hono/zod-openapi';
import { namesOfActors } from '../../commands/seen.ts';
import { createToken, revokeToken } from '../../commands/token.ts';
import { listTokens, type TokenRow } from '../../db/queries/organization.ts';
import type { Queryable } from '../../db/client.ts';
import { runCommand, type ApiEnv } from '../context.ts';
import {
  createRouter,
  decodeCursor,
  exampleIds,
  idParam,
  isoDate,
  isoDateOrNull,
  jsonBody,
  listOf,
  ourId,
  pageOf,
  pageQuery,
  route,
  send,
} from '../define.ts';
import { sendSheet, sheetRoute, type Sheet } from '../sheet.ts';

const tag = 'Tokens';
const scopeSchema = z.enum(['read', 'operate', 'admin']);

const tokenSchema = z
  .object({
    /** `token:{id}` in the audit. */
    id: z.uuid(),
    name: z.string(),
    /** `admin` includes `operate`, which includes `read`. */
    scopes: z.array(scopeSchema),
    createdAt: isoDate,
    /** Who made it; null for a token of an earlier version. */
    createdBy: z.string().nullable(),
    /** To the minute; null = never. */
    lastUsedAt: isoDateOrNull,
    /** From then on it opens nothing; null = it does not expire. */
    expiresAt: isoDateOrNull,
  })
  .openapi('ApiToken');
const createdSchema = z.object({
  apiToken: tokenSchema,
  /** Only its hash is stored: the answer to a repeated `Idempotency-Key` has none. */
  secret: z.string().optional(),
});

const exampleToken = {
  id: exampleIds.line,
  name: 'Nightly export',
  scopes: ['read' as const],
  createdAt: '2026-11-23T09:00:00.000Z',
  createdBy: 'Grace Hopper',
  lastUsedAt: '2026-11-25T03:30:00.000Z',
  expiresAt: '2027-11-23T09:00:00.000Z',
};

const list = route({
  method: 'get',
  path: '/v1/tokens',
  operationId: 'listTokens',
  summary: 'Tokens that are not revoked, with their last use; never the tokens themselves',
  tag,
  scope: 'read',
  request: { query: pageQuery },
  ok: 200,
  answer: listOf(tokenSchema),
  example: { items: [exampleToken], nextCursor: null },
  problems: {},
});
const create = route({
  method: 'post',
  path: '/v1/tokens',
  operationId: 'createToken',
  summary: 'Make a token for a program: the secret in the answer is shown once',
  tag,
  scope: 'admin',
  request: {
    body: jsonBody(
      z.object({
        /** What it is for: the audit names it so. */
        name: z.string().trim().min(1).max(100),
        scope: scopeSchema,
        /** Null = it does not expire. */
        lifeDays: z.int().min(1).max(3_650).nullable(),
      }),
      { name: 'Nightly export', scope: 'read', lifeDays: 365 },
    ),
  },
  ok: 201,
  answer: createdSchema,
  example: {
    apiToken: { ...exampleToken, lastUsedAt: null },
    secret: 'cs_shown-once-and-kept-as-a-hash',
  },
  problems: {},
});
const revoke = route({
  method: 'delete',
  path: '/v1/tokens/{id}',
  operationId: 'revokeToken',
  summary: 'Revoke a token: it opens nothing from the next request on',
  tag,
  scope: 'admin',
  request: { params: idParam },
  ok: 200,
  answer: tokenSchema,
  example: exampleToken,
  problems: {},
});

const sheet: Sheet<typeof tokenSchema> = {
  item: tokenSchema,
  columns: [
    ['token', ({ id }) => id],
    ['name', ({ name }) => name],
    ['scopes', ({ scopes }) => scopes.join(' ')],
    ['made at', ({ createdAt }) => createdAt],
    ['made by', ({ createdBy }) => createdBy],
    ['last used at', ({ lastUsedAt }) => lastUsedAt],
    ['expires at', ({ expiresAt }) => expiresAt],
  ],
};
const file = sheetRoute({
  path: '/v1/tokens',
  operationId: 'exportTokens',
  summary: 'Tokens that are not revoked, never the tokens themselves, as a CSV file',
  tag,
  request: {},
  sheet,
  example: exampleToken,
});

export const tokenRoutes = createRouter();

tokenRoutes.openapi(list, async (c) => send(c, listOf(tokenSchema), await pageOfTokens(c.var, c.req.valid('query'))));

tokenRoutes.openapi(file, async (c) => sendSheet(c, 'tokens', sheet, (page) => pageOfTokens(c.var, page)));

async function pageOfTokens(
  { deps, caller }: ApiEnv['Variables'],
  { limit, cursor }: { limit: number; cursor?: string | undefined },
) {
  const rows = await listTokens(deps.db, caller.organizationId, {
    after: decodeCursor(cursor, ourId),
    limit: limit + 1,
  });
  const page = pageOf(rows, limit, ({ id }) => id);
  return { ...page, items: page.items.map(await createViewer(deps.db, page.items)) };
}

tokenRoutes.openapi(create, async (c) => {
  const { apiToken, secret } = await runCommand(c, createToken, c.req.valid('json'));
  const view = await createViewer(c.get('deps').db, [apiToken]);
  return send(c, createdSchema, { apiToken: view(apiToken), secret }, 201);
});

tokenRoutes.openapi(revoke, async (c) => {
  const { apiToken } = await runCommand(c, revokeToken, c.req.valid('param'));
  const view = await createViewer(c.get('deps').db, [apiToken]);
  return send(c, tokenSchema, view(apiToken));
});

/** Reads the names of those who made these tokens. @returns a function that shows one of them */
async function createViewer(db: Queryable, rows: readonly TokenRow[]) {
  const names = await namesOfActors(
    db,
    rows.flatMap(({ createdBy }) => (createdBy === null ? [] : [createdBy])),
  );
  return ({ createdBy, scopes, ...row }: TokenRow) => ({
    ...row,
    scopes: scopeSchema.array().parse(scopes),
    createdBy: createdBy === null ? null : (names.get(createdBy) ?? createdBy),
  });
}
