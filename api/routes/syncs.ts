import { setTimeout as delay } from 'node:timers/promises';
import { z } from '@hono/zod-openapi';
import { streamSSE } from 'hono/streaming';
import { discardRun, releaseRun, requestSync } from '../../commands/syncRequest.ts';
import { listSteps } from '../../db/queries/processView.ts';
import { listSyncRuns, type SyncRunRow } from '../../db/queries/sync.ts';
import { listChanges } from '../../db/queries/usage.ts';
import { onboardingId } from '../../domain/process/ids.ts';
import { syncRunStates } from '../../domain/transitions.ts';
import { runCommand, type ApiDependencies } from '../context.ts';
import {
  createRouter,
  decodeCursor,
  exampleIds,
  idParam,
  isoDate,
  isoDateOrNull,
  jsonPlace,
  listOf,
  ourId,
  outsideId,
  pageOf,
  pageQuery,
  route,
  send,
} from '../define.ts';
import { callerOf } from '../middleware/authenticate.ts';
import { ApiProblem } from '../problem.ts';
import { sendSheet, sheetRoute, type Sheet } from '../sheet.ts';
import { sendProblem } from '../streamProblem.ts';
import {
  createIncompleteViewer,
  exampleProcess,
  incompleteSchema,
  processSchema,
  processView,
} from '../views/process.ts';
import { activeIntegration, ownedIntegration, ownedRun } from '../owned.ts';

const tag = 'Syncs';

/** What the swing guard found; null before it has looked. A union for the reason given at `approvalSchema`. */
const guardSchema = z.union([
  z
    .object({
      held: z.boolean(),
      reasons: z.array(z.enum(['total_swing', 'pairs_swing'])),
      /** Counts that moved so far that their cards are to be checked first. */
      heldPairs: z.array(z.object({ vendorAccountId: z.string(), serviceId: z.string() })),
      figures: z.object({
        totalBefore: z.number(),
        totalAfter: z.number(),
        pairsBefore: z.number(),
        pairsAfter: z.number(),
      }),
    })
    .openapi('Guard'),
  z.null(),
]);

const runSchema = z
  .object({
    id: z.uuid(),
    integrationId: z.uuid(),
    /** The only customer that the run read, because it was new; null = all customers. */
    vendorAccountId: z.string().nullable(),
    state: z.enum(syncRunStates),
    startedAt: isoDate,
    finishedAt: isoDateOrNull,
    figures: z.record(z.string(), z.number()).nullable().openapi({
      description:
        'What was read: `accounts`, `posted` (counts that the vendor sent) and others. Of an applied run also `counts`, those that came in, and `changedCounts`, those of which the number is another one since',
    }),
    guard: guardSchema,
    /** Set when the run read incomplete lists that a person accepted: then it only raised and added. */
    incomplete: incompleteSchema,
  })
  .openapi('SyncRun');
const runWithSteps = runSchema.extend({ process: processSchema });
const requestSchema = z
  .object({ integrationId: z.uuid(), workflowId: z.string(), state: z.literal('requested') })
  .openapi('SyncRequest');

const exampleRun = {
  id: exampleIds.run,
  integrationId: exampleIds.integration,
  vendorAccountId: null,
  state: 'held' as const,
  startedAt: '2026-11-23T09:00:00.000Z',
  finishedAt: '2026-11-23T09:00:41.000Z',
  figures: { accounts: 40, lateAccounts: 0, counts: 160, changedCounts: 31 },
  guard: {
    held: true,
    reasons: ['total_swing' as const],
    heldPairs: [{ vendorAccountId: '1001', serviceId: 'CloudFilter' }],
    figures: { totalBefore: 1200, totalAfter: 1572, pairsBefore: 160, pairsAfter: 160 },
  },
  incomplete: null,
};
const exampleWithSteps = {
  ...exampleRun,
  process: exampleProcess('sync', exampleIds.integration, 'pullVendor', 'freshPsa'),
};

const request = route({
  method: 'post',
  path: '/v1/integrations/{id}/syncs',
  operationId: 'requestSync',
  summary: 'Sync now. All open requests become one run',
  tag,
  scope: 'operate',
  request: { params: idParam },
  ok: 202,
  answer: requestSchema,
  example: {
    integrationId: exampleIds.integration,
    workflowId: `sync/${exampleIds.integration}`,
    state: 'requested',
  },
  problems: { 409: ['disconnected', 'not-finished'] },
});
const list = route({
  method: 'get',
  path: '/v1/integrations/{id}/syncs',
  operationId: 'listSyncs',
  summary: 'Sync runs, newest first',
  tag,
  scope: 'read',
  request: { params: idParam, query: pageQuery },
  ok: 200,
  answer: listOf(runSchema),
  example: { items: [exampleRun], nextCursor: null },
  problems: {},
});
const get = route({
  method: 'get',
  path: '/v1/syncs/{id}',
  operationId: 'getSync',
  summary: 'One run with its steps',
  tag,
  scope: 'read',
  request: { params: idParam },
  ok: 200,
  answer: runWithSteps,
  example: exampleWithSteps,
  problems: {},
});
const changeSchema = z
  .object({
    vendorAccountId: z.string(),
    vendorAccountName: z.string().nullable(),
    serviceId: z.string(),
    before: z.number().nullable().openapi({ description: 'null = never reported' }),
    after: z.number().nullable(),
  })
  .openapi('UsageChange');
const exampleChange = {
  vendorAccountId: '1001',
  vendorAccountName: 'Acme Dental',
  serviceId: 'CloudFilter',
  before: 43,
  after: 415,
};
const changes = route({
  method: 'get',
  path: '/v1/syncs/{id}/changes',
  operationId: 'listSyncChanges',
  summary: 'The counts that a run which is not applied would change, the largest change first',
  tag,
  scope: 'read',
  request: { params: idParam, query: pageQuery },
  ok: 200,
  answer: listOf(changeSchema),
  example: { items: [exampleChange], nextCursor: null },
  problems: {},
});
const events = route({
  method: 'get',
  path: '/v1/syncs/{id}/events',
  operationId: 'followSync',
  summary: "A run's progress as server-sent events, until it is finished",
  tag,
  scope: 'read',
  request: { params: idParam },
  ok: 200,
  answer: runWithSteps,
  example: exampleWithSteps,
  stream: true,
  problems: {},
});
const release = route({
  method: 'post',
  path: '/v1/syncs/{id}/release',
  operationId: 'releaseSync',
  summary: 'Apply a held run',
  tag,
  scope: 'operate',
  request: { params: idParam },
  ok: 202,
  answer: runSchema,
  example: exampleRun,
  problems: { 409: ['not-held'] },
});
const discard = route({
  method: 'post',
  path: '/v1/syncs/{id}/discard',
  operationId: 'discardSync',
  summary: 'Discard a held run',
  tag,
  scope: 'operate',
  request: { params: idParam },
  ok: 200,
  answer: runSchema,
  example: { ...exampleRun, state: 'discarded' },
  problems: { 409: ['not-held'] },
});

const sheet: Sheet<typeof runSchema> = {
  item: runSchema,
  columns: [
    ['run', ({ id }) => id],
    ['started at', ({ startedAt }) => startedAt],
    ['finished at', ({ finishedAt }) => finishedAt],
    ['state', ({ state }) => state],
    ['customer', ({ vendorAccountId }) => vendorAccountId],
    ['figures', ({ figures }) => figures && JSON.stringify(figures)],
    ['guard', ({ guard }) => (guard === null ? null : JSON.stringify(guard))],
    ['incomplete lists accepted by', ({ incomplete }) => incomplete?.byName ?? null],
  ],
};
const file = sheetRoute({
  path: '/v1/integrations/{id}/syncs',
  operationId: 'exportSyncs',
  summary: 'Sync runs as a CSV file',
  tag,
  request: { params: idParam },
  sheet,
  example: exampleRun,
});

const changesSheet: Sheet<typeof changeSchema> = {
  item: changeSchema,
  columns: [
    ['customer', ({ vendorAccountId }) => vendorAccountId],
    ['customer name', ({ vendorAccountName }) => vendorAccountName],
    ['service', ({ serviceId }) => serviceId],
    ['before', ({ before }) => before],
    ['after', ({ after }) => after],
  ],
};
const changesFile = sheetRoute({
  path: '/v1/syncs/{id}/changes',
  operationId: 'exportSyncChanges',
  summary: 'The counts that a run which is not applied would change as a CSV file',
  tag,
  request: { params: idParam },
  sheet: changesSheet,
  example: exampleChange,
});

export const syncRoutes = createRouter();

syncRoutes.openapi(request, async (c) => {
  const integration = await activeIntegration(c.get('deps'), c.get('caller'), c.req.valid('param').id);
  await runCommand(c, requestSync, { integration });
  const { id } = integration;
  return send(c, requestSchema, { integrationId: id, workflowId: `sync/${id}`, state: 'requested' }, 202);
});

syncRoutes.openapi(list, async (c) => {
  const { deps, caller } = c.var;
  const { id } = await ownedIntegration(deps, caller, c.req.valid('param').id);
  return send(c, listOf(runSchema), await pageOfRuns(deps, id, c.req.valid('query')));
});

syncRoutes.openapi(file, async (c) => {
  const { deps, caller } = c.var;
  const { id } = await ownedIntegration(deps, caller, c.req.valid('param').id);
  return sendSheet(c, `runs-${id}`, sheet, (page) => pageOfRuns(deps, id, page));
});

async function pageOfRuns(
  deps: ApiDependencies,
  integrationId: string,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
) {
  const rows = await listSyncRuns(deps.db, integrationId, { before: decodeCursor(cursor, ourId), limit: limit + 1 });
  const page = pageOf(rows, limit, (run) => run.id);
  return { ...page, items: page.items.map(await createIncompleteViewer(deps.db, page.items)) };
}

syncRoutes.openapi(get, async (c) => {
  const deps = c.get('deps');
  return send(c, runWithSteps, await runView(deps, await ownedRun(deps, c.get('caller'), c.req.valid('param').id)));
});

const changePlace = jsonPlace(z.tuple([z.number(), outsideId, outsideId]));

syncRoutes.openapi(changes, async (c) => {
  const { deps, caller } = c.var;
  const run = await ownedRun(deps, caller, c.req.valid('param').id);
  return send(c, listOf(changeSchema), await pageOfChanges(deps, run, c.req.valid('query')));
});

syncRoutes.openapi(changesFile, async (c) => {
  const { deps, caller } = c.var;
  const run = await ownedRun(deps, caller, c.req.valid('param').id);
  return sendSheet(c, `changes-${run.id}`, changesSheet, (page) => pageOfChanges(deps, run, page));
});

async function pageOfChanges(
  deps: ApiDependencies,
  run: Parameters<typeof listChanges>[1],
  { limit, cursor }: { limit: number; cursor?: string | undefined },
) {
  const [size, vendorAccountId, serviceId] = decodeCursor(cursor, changePlace) ?? [];
  const after =
    size === undefined || vendorAccountId === undefined || serviceId === undefined
      ? undefined
      : { size, vendorAccountId, serviceId };
  const rows = await listChanges(deps.db, run, { after, limit: limit + 1 });
  return pageOf(rows, limit, (row) => JSON.stringify([row.size, row.vendorAccountId, row.serviceId]));
}

syncRoutes.openapi(events, async (c) => {
  const { deps } = c.var;
  let { caller } = c.var;
  const { id } = await ownedRun(deps, caller, c.req.valid('param').id);
  return streamSSE(c, async (stream) => {
    let last = '';
    try {
      for (let quiet = 0, looks = 1; !stream.aborted; quiet++, looks++) {
        // A stream does not outlive the token or session with which it was opened by more than five seconds.
        if (looks % 10 === 0) caller = await callerOf(c);
        const view = runWithSteps.parse(await runView(deps, await ownedRun(deps, caller, id)));
        const data = JSON.stringify(view);
        if (data !== last) {
          await stream.writeSSE({ event: 'run', data });
          quiet = 0;
        } else if (quiet % 30 === 29) await stream.write(': still here\n\n');
        last = data;
        if (view.state !== 'running') return;
        await delay(500);
      }
    } catch (error) {
      await sendProblem(c, stream, error, new ApiProblem(500, 'internal', 'The stream broke. Follow the run again.'));
    } finally {
      deps.logger.debug({ requestId: c.get('requestId'), runId: id }, 'an event stream ended');
    }
  });
});

syncRoutes.openapi(release, async (c) => {
  const { deps, caller } = c.var;
  const run = await ownedRun(deps, caller, c.req.valid('param').id);
  await runCommand(c, releaseRun, { run });
  return send(c, runSchema, await named(deps, run), 202);
});

syncRoutes.openapi(discard, async (c) => {
  const { deps, caller } = c.var;
  const run = await ownedRun(deps, caller, c.req.valid('param').id);
  await runCommand(c, discardRun, { run });
  return send(c, runSchema, await named(deps, await ownedRun(deps, caller, run.id)));
});

const named = async (deps: ApiDependencies, run: SyncRunRow) => (await createIncompleteViewer(deps.db, [run]))(run);

async function runView(deps: ApiDependencies, row: SyncRunRow) {
  const run = await named(deps, row);
  const { integrationId, vendorAccountId } = run;
  if (vendorAccountId !== null) {
    const onboarding = { kind: 'onboardCustomer', id: onboardingId({ integrationId, vendorAccountId }) } as const;
    return { ...run, process: processView(deps, onboarding, await listSteps(deps.db, onboarding)) };
  }
  const ref = { kind: 'sync', id: run.integrationId } as const;
  return { ...run, process: processView(deps, ref, await listSteps(deps.db, ref, run.id)) };
}
