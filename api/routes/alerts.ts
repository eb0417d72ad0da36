/** Alerts, and the state of their tickets. */
import { refusedForAll } from '../../domain/alerts.ts';
import { deliveryProcess } from '../../domain/process/ids.ts';
import { alertStates } from '../../domain/transitions.ts';
import { z } from '@hono/zod-openapi';
import { examplePsa } from '../../connectors/registry.ts';
import { dismissAlert, retryAlert, sendTestAlert } from '../../commands/alertAdmission.ts';
import { namesOfActors } from '../../commands/seen.ts';
import { listAlerts, missingOf, readNamedAlert } from '../../db/queries/alerts.ts';
import { listAuditOf } from '../../db/queries/audit.ts';
import { readIntegration } from '../../db/queries/integration.ts';
import { listSteps } from '../../db/queries/processView.ts';
import { actorFrom, runCommand, type ApiDependencies, type ApiEnv } from '../context.ts';
import {
  createRouter,
  decodeCursor,
  exampleIds,
  idParam,
  isoDate,
  isoDateOrNull,
  jsonBody,
  jsonPlace,
  listOf,
  pageOf,
  pageQuery,
  route,
  searchSchema,
  send,
} from '../define.ts';
import { apartSchema, vendorApart } from '../views/account.ts';
import { stagesOf, statementOf } from '../views/alertStages.ts';
import { exampleProcess, processSchema, processView, stepSchema } from '../views/process.ts';
import { commitAndAdmit } from '../commitAndAdmit.ts';
import { integrationWithAlerts, ownedAlert } from '../owned.ts';
import { sendSheet, sheetRoute, type Sheet } from '../sheet.ts';
import { connectionsOf, retryStep } from '../../commands/step.ts';

const tag = 'Alerts';
const alertSchema = z
  .object({
    id: z.uuid(),
    integrationId: z.uuid(),
    /** The sender's id of the alert; sent again, it is the same alert. */
    alertId: z.string(),
    source: z.enum(['vendor', 'rule', 'storm', 'test']),
    vendorAccountId: z.string(),
    /** The account's name at the vendor; null = the vendor has not said it. */
    accountName: z.string().nullable(),
    accountApart: apartSchema,
    serviceId: z.string().nullable(),
    title: z.string(),
    description: z.string(),
    priority: z.int(),
    dueAt: isoDateOrNull,
    /** How often the alert was sent. */
    revision: z.int(),
    firstReceivedAt: isoDate,
    receivedAt: isoDate,
    /** When the condition that the alert reports ended. */
    clearedAt: isoDateOrNull,
    state: z.enum(alertStates),
    /** Why it is parked, dead or dismissed; of a test that is delivered: why its ticket was not found again. */
    reason: z
      .object({
        code: z.string(),
        detail: z.string(),
        of: z.enum(refusedForAll).optional().openapi({
          description:
            'The PSA refuses the board itself, or a field that is set for the connection: no ticket of the integration would be taken',
        }),
      })
      .nullable(),
    psaAccountId: z.string().nullable(),
    psaAccountName: z.string().nullable(),
    /** The alert whose ticket this alert shares. */
    gatheredInto: z.uuid().nullable(),
    ticketId: z.string().nullable(),
    ticketUrl: z.string().nullable(),
    previousTicketId: z.string().nullable(),
    deliveredAt: isoDateOrNull,
  })
  .openapi('Alert');
const detailSchema = alertSchema
  .extend({
    /** The reference by which the ticket is found in the PSA. */
    reference: z.string(),
    /** Of a parked one: what it waits for now, the mapping of its account, the choice of a board, or both. */
    missing: z.array(z.enum(['mapping', 'board'])),
    /** The steps of its delivery; null before it has begun. A union for the reason given at `approvalSchema`. */
    process: z.union([processSchema, z.null()]),
    /** Of a dead one: what health and the Temporal UI say of it, with what to do; else null. */
    statement: z.string().nullable(),
    /** Of a test: how far it has come; null for every other alert. */
    stages: z.union([z.array(stepSchema), z.null()]),
    /** What was done about it, by whom, the newest first; at most 20. */
    history: z.array(z.object({ at: isoDate, actorName: z.string(), action: z.string() })),
  })
  .openapi('AlertDetail');

const exampleAlert = {
  id: exampleIds.card,
  integrationId: exampleIds.integration,
  alertId: 'queue-4711',
  source: 'vendor' as const,
  vendorAccountId: '1001',
  accountName: 'Acme Dental',
  accountApart: null,
  serviceId: 'CloudFilter',
  title: 'Mail is delayed',
  description: 'Mail of acme.example waits for 40 minutes.',
  priority: 3,
  dueAt: null,
  revision: 1,
  firstReceivedAt: '2026-11-25T09:00:00.000Z',
  receivedAt: '2026-11-25T09:00:00.000Z',
  clearedAt: null,
  state: 'delivered' as const,
  reason: null,
  psaAccountId: '250',
  psaAccountName: 'Acme Dental (West)',
  gatheredInto: null,
  ticketId: '90210',
  ticketUrl: examplePsa.ticketUrl,
  previousTicketId: null,
  deliveredAt: '2026-11-25T09:00:02.000Z',
};
const exampleDetail = {
  ...exampleAlert,
  reference: `CS-${exampleIds.card}-1`,
  process: exampleProcess('deliverAlert', exampleIds.card, 'resolveAccount', 'writeTicket'),
  statement: null,
  stages: null,
  missing: [],
  history: [{ at: '2026-11-25T09:00:02.000Z', actorName: 'Countersign', action: 'alert.ticketCreated' }],
};

const filterQuery = z.object({
  integrationId: z.uuid().optional(),
  state: z.enum(alertStates).optional(),
  vendorAccountId: z.string().max(200).optional(),
  /** Those that share the ticket of this alert. */
  gatheredInto: z.uuid().optional(),
  /** A part of a title, an account's name, or a ticket's number. */
  search: searchSchema,
});

const list = route({
  method: 'get',
  path: '/v1/alerts',
  operationId: 'listAlerts',
  summary: 'Alerts, the newest first',
  tag,
  scope: 'read',
  request: { query: filterQuery.extend(pageQuery.shape) },
  ok: 200,
  answer: listOf(alertSchema),
  example: { items: [exampleAlert], nextCursor: null },
  problems: {},
});
const sheet: Sheet<typeof alertSchema> = {
  item: alertSchema,
  columns: [
    ['alert', ({ id }) => id],
    ['first received at', ({ firstReceivedAt }) => firstReceivedAt],
    ['received at', ({ receivedAt }) => receivedAt],
    ['customer', ({ accountName }) => accountName],
    ['customer id', ({ vendorAccountId }) => vendorAccountId],
    ['title', ({ title }) => title],
    ['description', ({ description }) => description],
    ['priority', ({ priority }) => priority],
    ['source', ({ source }) => source],
    ['state', ({ state }) => state],
    ['why', ({ reason }) => reason?.detail ?? null],
    ['ticket', ({ ticketId }) => ticketId],
    ['ticket address', ({ ticketUrl }) => ticketUrl],
    ['delivered at', ({ deliveredAt }) => deliveredAt],
    ['cleared at', ({ clearedAt }) => clearedAt],
  ],
};
const file = sheetRoute({
  path: '/v1/alerts',
  operationId: 'exportAlerts',
  summary: 'Alerts as a CSV file',
  tag,
  request: { query: filterQuery },
  sheet,
  example: exampleAlert,
});
const get = route({
  method: 'get',
  path: '/v1/alerts/{id}',
  operationId: 'getAlert',
  summary: 'One alert with its steps',
  tag,
  scope: 'read',
  request: { params: idParam },
  ok: 200,
  answer: detailSchema,
  example: exampleDetail,
  problems: {},
});
const retry = route({
  method: 'post',
  path: '/v1/alerts/{id}/retry',
  operationId: 'retryAlert',
  summary: 'Deliver a dead alert again, or retry the blocked step of one that is being delivered',
  tag,
  scope: 'operate',
  request: { params: idParam },
  ok: 202,
  answer: detailSchema,
  example: exampleDetail,
  problems: { 409: ['not-dead', 'not-blocked'] },
});
const dismiss = route({
  method: 'post',
  path: '/v1/alerts/{id}/dismiss',
  operationId: 'dismissAlert',
  summary: 'Dismiss an alert, with a reason; if it is sent again with another text, it comes back',
  tag,
  scope: 'operate',
  request: {
    params: idParam,
    body: jsonBody(z.object({ reason: z.string().trim().min(1).max(1_000) }), { reason: 'Planned maintenance.' }),
  },
  ok: 200,
  answer: detailSchema,
  example: { ...exampleDetail, state: 'dismissed' as const },
  problems: { 409: ['ticket-under-way', 'told-already'] },
});
const testAlert = route({
  method: 'post',
  path: '/v1/integrations/{id}/test-alert',
  operationId: 'sendTestAlert',
  summary: 'Send a test alert of one account, and follow its steps',
  tag,
  scope: 'operate',
  request: {
    params: idParam,
    body: jsonBody(z.object({ accountId: z.string().min(1).max(200), priority: z.int().min(1).max(4).default(1) }), {
      accountId: '1001',
    }),
  },
  ok: 202,
  answer: detailSchema,
  example: { ...exampleDetail, source: 'test' as const },
  problems: { 409: ['disconnected', 'no-alerts'], 422: ['unknown-account'] },
});

export const alertRoutes = createRouter();

const place = jsonPlace(z.tuple([z.iso.datetime(), z.uuid()]));

alertRoutes.openapi(list, async (c) => send(c, listOf(alertSchema), await pageOfAlerts(c.var, c.req.valid('query'))));

alertRoutes.openapi(file, async (c) =>
  sendSheet(c, 'alerts', sheet, (page) => pageOfAlerts(c.var, { ...c.req.valid('query'), ...page })),
);

async function pageOfAlerts(
  { deps, caller }: ApiEnv['Variables'],
  { limit, cursor, ...filter }: z.output<typeof filterQuery> & { limit: number; cursor?: string | undefined },
) {
  const [at, id] = decodeCursor(cursor, place) ?? [];
  const before = at !== undefined && id !== undefined ? { at, id } : undefined;
  const rows = await listAlerts(deps.db, caller.organizationId, filter, { limit: limit + 1, before });
  const page = pageOf(rows, limit, (row) => JSON.stringify([row.firstReceivedAt.toISOString(), row.id]));
  return { ...page, items: page.items.map((row) => ({ ...row, accountApart: vendorApart(row.marks) })) };
}

alertRoutes.openapi(get, async (c) => {
  const deps = c.get('deps');
  const { id } = await ownedAlert(deps, c.get('caller'), c.req.valid('param').id);
  return send(c, detailSchema, await alertView(deps, id));
});

alertRoutes.openapi(retry, async (c) => {
  const deps = c.get('deps');
  const caller = c.get('caller');
  const row = await ownedAlert(deps, caller, c.req.valid('param').id);
  if (row.state === 'delivering') {
    const connections = connectionsOf(await readIntegration(deps.db, row.integrationId));
    const subject = { subjectKind: 'alert', subjectId: row.id };
    await runCommand(c, retryStep, { process: deliveryProcess(row), subject, connections });
  } else {
    await commitAndAdmit(deps, row.integrationId, (tx) => retryAlert(tx, actorFrom(caller), { alert: row }));
  }
  return send(c, detailSchema, await alertView(deps, row.id), 202);
});

alertRoutes.openapi(dismiss, async (c) => {
  const deps = c.get('deps');
  const caller = c.get('caller');
  const { id, integrationId } = await ownedAlert(deps, caller, c.req.valid('param').id);
  const { reason: detail } = c.req.valid('json');
  await commitAndAdmit(deps, integrationId, (tx) => dismissAlert(tx, actorFrom(caller), { id, detail }));
  return send(c, detailSchema, await alertView(deps, id));
});

alertRoutes.openapi(testAlert, async (c) => {
  const deps = c.get('deps');
  const caller = c.get('caller');
  const { id: integrationId } = await integrationWithAlerts(deps, caller, c.req.valid('param').id);
  const { id } = await commitAndAdmit(deps, integrationId, (tx, row) =>
    sendTestAlert(tx, actorFrom(caller), { integration: row, ...c.req.valid('json') }),
  );
  return send(c, detailSchema, await alertView(deps, id), 202);
});

async function alertView(deps: ApiDependencies, id: string) {
  const row = await readNamedAlert(deps.db, id);
  const steps = await listSteps(deps.db, deliveryProcess(row));
  const done = await listAuditOf(deps.db, row.organizationId, { kind: 'alert', id }, 20);
  const names = await namesOfActors(
    deps.db,
    done.map(({ actor }) => actor),
  );
  const process = steps.length > 0 ? processView(deps, deliveryProcess(row), steps) : null;
  return {
    ...row,
    accountApart: vendorApart(row.marks),
    missing: await missingOf(deps.db, id),
    process,
    statement: statementOf(row),
    stages: stagesOf(row, process?.steps ?? []),
    history: done.map(({ at, actor, action }) => ({ at, actorName: names.get(actor) ?? actor, action })),
  };
}
