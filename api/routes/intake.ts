/** An integration's intake: whether Countersign reads its counts, or the vendor sends them. */
import { pushStatuses } from '../../domain/transitions.ts';
import { z } from '@hono/zod-openapi';
import { changeIntake } from '../../commands/integration.ts';
import { isVendor } from '../../connectors/registry.ts';
import { countLinked } from '../../db/queries/integration.ts';
import { countRefused, listRefused } from '../../db/queries/refusedPosts.ts';
import { runCommand, type ApiEnv } from '../context.ts';
import {
  createRouter,
  decodeCursor,
  exampleIds,
  idParam,
  isoDate,
  jsonBody,
  jsonPlace,
  listOf,
  pageOf,
  pageQuery,
  route,
  send,
} from '../define.ts';
import { activeIntegration, ownedIntegration } from '../owned.ts';
import { sendSheet, sheetRoute, type Sheet } from '../sheet.ts';
import { onlyPushes, vendorName } from '../views/vendor.ts';
import { exampleIntegration, integrationSchema, sendIntegration } from '../views/integration.ts';

const intakeBody = z.object({ intake: z.enum(['push', 'pull']) });

const setIntake = route({
  method: 'put',
  path: '/v1/integrations/{id}/intake',
  operationId: 'setIntake',
  summary: 'Change the intake: pull = Countersign reads the counts, push = the vendor sends them. Mappings stay',
  tag: 'Intake',
  scope: 'admin',
  request: { params: idParam, body: jsonBody(intakeBody, { intake: 'push' }) },
  ok: 200,
  answer: integrationSchema,
  example: { ...exampleIntegration, id: exampleIds.integration, intake: 'push' },
  problems: { 409: ['disconnected', 'not-connected-yet', 'not-verified'], 422: ['only-pushes'] },
});

const refusedSchema = z
  .object({
    kind: z.enum(['count', 'alert']),
    /** The id as it was posted; empty = it could not be read. */
    accountId: z.string(),
    /** The id as it was posted; empty = it could not be read, or (in an alert) was not looked at. */
    serviceId: z.string(),
    /** The reason of the last refusal: its code, and the sentence that the vendor got. */
    reason: z.object({
      code: z.enum(['unknown-account', 'unknown-service', 'ambiguous-id', 'no-alerts', 'invalid']),
      detail: z.string(),
    }),
    firstAt: isoDate,
    lastAt: isoDate,
    times: z.int(),
  })
  .openapi('RefusedPost');
const exampleRefused = {
  kind: 'count' as const,
  accountId: '1077',
  serviceId: 'CloudFilter',
  reason: { code: 'unknown-account' as const, detail: 'The integration has no account of this id.' },
  firstAt: '2026-11-24T03:30:00.000Z',
  lastAt: '2026-11-25T03:30:00.000Z',
  times: 12,
};
const intakeView = listOf(refusedSchema)
  .extend({
    intake: z.enum(['push', 'pull']),
    /** The status that the vendor has set. */
    pushStatus: z.enum(pushStatuses),
    /** How many customers are linked. */
    linked: z.int(),
    refused: z.object({
      /** How many accounts and services have refused posts; `items` lists them. */
      rows: z.int(),
      /** How many posts were ever refused. */
      times: z.int(),
      /** How many rows were deleted because there were too many. */
      forgotten: z.int(),
    }),
  })
  .openapi('Intake');

const getIntake = route({
  method: 'get',
  path: '/v1/integrations/{id}/intake',
  operationId: 'getIntake',
  summary: 'The intake, and the posts of the vendor that were refused, the latest first',
  tag: 'Intake',
  scope: 'read',
  request: { params: idParam, query: pageQuery },
  ok: 200,
  answer: intakeView,
  example: {
    intake: 'push' as const,
    pushStatus: 'active' as const,
    linked: 29,
    refused: { rows: 1, times: 12, forgotten: 0 },
    items: [exampleRefused],
    nextCursor: null,
  },
  problems: {},
});

const sheet: Sheet<typeof refusedSchema> = {
  item: refusedSchema,
  columns: [
    ['account', ({ accountId }) => accountId],
    ['service', ({ serviceId }) => serviceId],
    ['kind', ({ kind }) => kind],
    ['code', ({ reason }) => reason.code],
    ['reason', ({ reason }) => reason.detail],
    ['times', ({ times }) => times],
    ['first at', ({ firstAt }) => firstAt],
    ['last at', ({ lastAt }) => lastAt],
  ],
};
const file = sheetRoute({
  path: '/v1/integrations/{id}/intake',
  operationId: 'exportRefusedPosts',
  summary: 'The posts of the vendor that were refused as a CSV file',
  tag: 'Intake',
  request: { params: idParam },
  sheet,
  example: exampleRefused,
});

/** An id as it was posted, or an empty text. PostgreSQL does not accept a NUL. */
const postedId = z.string().regex(/^[^\0]{0,500}$/);
const place = jsonPlace(z.tuple([z.iso.datetime(), z.enum(['count', 'alert']), postedId, postedId]));

export const intakeRoutes = createRouter();

intakeRoutes.openapi(getIntake, async (c) => {
  const deps = c.get('deps');
  const row = await ownedIntegration(deps, c.get('caller'), c.req.valid('param').id);
  return send(c, intakeView, {
    intake: row.intake,
    pushStatus: row.pushStatus,
    linked: await countLinked(deps.db, row.id),
    refused: await countRefused(deps.db, row.id),
    ...(await pageOfRefused(c.var, row.id, c.req.valid('query'))),
  });
});

intakeRoutes.openapi(file, async (c) => {
  const { deps, caller } = c.var;
  const { id } = await ownedIntegration(deps, caller, c.req.valid('param').id);
  return sendSheet(c, `refused-posts-${id}`, sheet, (page) => pageOfRefused(c.var, id, page));
});

async function pageOfRefused(
  { deps }: ApiEnv['Variables'],
  id: string,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
) {
  const [at, kind, vendorAccountId, serviceId] = decodeCursor(cursor, place) ?? [];
  const before =
    at !== undefined && kind !== undefined && vendorAccountId !== undefined && serviceId !== undefined
      ? { lastAt: new Date(at), kind, vendorAccountId, serviceId }
      : undefined;
  const page = pageOf(await listRefused(deps.db, id, { before, limit: limit + 1 }), limit, (last) =>
    JSON.stringify([last.lastAt.toISOString(), last.kind, last.vendorAccountId, last.serviceId]),
  );
  const items = page.items.map(({ vendorAccountId: accountId, code, detail, ...rest }) => ({
    ...rest,
    accountId,
    reason: { code, detail },
  }));
  return { ...page, items };
}

intakeRoutes.openapi(setIntake, async (c) => {
  const { deps, caller } = c.var;
  const integration = await activeIntegration(deps, caller, c.req.valid('param').id);
  const { intake } = c.req.valid('json');
  if (intake === 'pull' && !isVendor(integration.vendor))
    throw onlyPushes(vendorName(integration.vendor, deps.environment));
  await runCommand(c, changeIntake, { integration, intake });
  return sendIntegration(c, integration.id);
});
