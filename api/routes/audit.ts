/** Who changed what. */
import { z } from '@hono/zod-openapi';
import { namesOfActors } from '../../commands/seen.ts';
import { listAudit } from '../../db/queries/audit.ts';
import { namesOfSubjects } from '../../db/queries/auditNames.ts';
import type { ApiEnv } from '../context.ts';
import {
  createRouter,
  decodeCursor,
  exampleIds,
  isoDate,
  listOf,
  ordinal,
  pageOf,
  pageQuery,
  route,
  send,
} from '../define.ts';
import { periodIfAny, periodQuery } from '../period.ts';
import { sendSheet, sheetRoute, type Sheet } from '../sheet.ts';

const tag = 'Audit';

const auditSchema = z
  .object({
    id: z.int(),
    at: isoDate,
    actor: z.string(),
    /** The person's or the token's name, as it is now. */
    actorName: z.string(),
    action: z.string(),
    subjectKind: z.string(),
    subjectId: z.string(),
    about: z
      .union([
        z.object({ account: z.string().nullable(), product: z.string().nullable(), cardId: z.uuid().nullable() }),
        z.null(),
      ])
      .openapi({
        description: 'Whose line, card or mapping it is, by the names that they have now; null = nothing is known',
      }),
    before: z.unknown(),
    after: z.unknown(),
  })
  .openapi('AuditEntry');

const exampleEntry = {
  id: 41,
  at: '2026-11-23T09:00:00.000Z',
  actor: `person:${exampleIds.line}`,
  actorName: 'Ada Lovelace',
  action: 'psaConnection.writes',
  subjectKind: 'psa_connection',
  subjectId: exampleIds.psaConnection,
  about: null,
  before: { writesEnabled: false },
  after: { writesEnabled: true },
};

const filterQuery = z.object({
  ...periodQuery,
  by: z.string().min(1).max(200).optional().openapi({
    description:
      'Who: person:…, token:…, or with the kind alone all of them, as in person, token, vendor or countersign',
    example: 'person',
  }),
  action: z.string().min(1).max(100).optional().openapi({
    description: 'What: an action, or all of a kind by what stands before its dot',
    example: 'card',
  }),
  subjectKind: z.string().min(1).max(100).optional().openapi({ example: 'card' }),
  subjectId: z.string().min(1).max(500).optional(),
});

const list = route({
  method: 'get',
  path: '/v1/audit',
  operationId: 'listAudit',
  summary: 'Who changed what, newest first',
  tag,
  scope: 'read',
  request: { query: filterQuery.extend(pageQuery.shape) },
  ok: 200,
  answer: listOf(auditSchema),
  example: { items: [exampleEntry], nextCursor: null },
  problems: {},
});

const sheet: Sheet<typeof auditSchema> = {
  item: auditSchema,
  columns: [
    ['id', ({ id }) => id],
    ['at', ({ at }) => at],
    ['by', ({ actorName }) => actorName],
    ['actor', ({ actor }) => actor],
    ['action', ({ action }) => action],
    ['subject', ({ subjectKind }) => subjectKind],
    ['subject id', ({ subjectId }) => subjectId],
    ['account', ({ about }) => about?.account ?? null],
    ['product', ({ about }) => about?.product ?? null],
    ['before', ({ before }) => asText(before)],
    ['after', ({ after }) => asText(after)],
  ],
};

const asText = (value: unknown) => (value === null || value === undefined ? null : JSON.stringify(value));

const file = sheetRoute({
  path: '/v1/audit',
  operationId: 'exportAudit',
  summary: 'The audit as a CSV file',
  tag,
  request: { query: filterQuery },
  sheet,
  example: exampleEntry,
});

export const auditRoutes = createRouter();

auditRoutes.openapi(list, async (c) => send(c, listOf(auditSchema), await pageOfAudit(c.var, c.req.valid('query'))));

auditRoutes.openapi(file, async (c) =>
  sendSheet(c, 'audit', sheet, (page) => pageOfAudit(c.var, { ...c.req.valid('query'), ...page })),
);

async function pageOfAudit(
  { deps, caller }: ApiEnv['Variables'],
  {
    limit,
    cursor,
    from,
    to,
    timeZone,
    ...filter
  }: z.output<typeof filterQuery> & { limit: number; cursor?: string | undefined },
) {
  const rows = await listAudit(
    deps.db,
    caller.organizationId,
    { ...filter, ...periodIfAny(deps, { from, to, timeZone }) },
    { before: decodeCursor(cursor, ordinal), limit: limit + 1 },
  );
  const page = pageOf(rows, limit, ({ id }) => String(id));
  const names = await namesOfActors(
    deps.db,
    page.items.map(({ actor }) => actor),
  );
  const aboutOf = await namesOfSubjects(deps.db, caller.organizationId, page.items);
  const items = page.items.map((row) => ({
    ...row,
    actorName: names.get(row.actor) ?? row.actor,
    about: aboutOf(row),
  }));
  return { ...page, items };
}
