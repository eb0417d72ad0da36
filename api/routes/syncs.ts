import { setTimeout as delay } from 'node:timers/promises';
import { z } from '@hono/zod-openapi';
import { streamSSE } from 'hono/streaming';
import { discardRun, releaseRun, requestSync } from '../../commands/syncRequest.ts';
import { listSteps } from '../../db/queries/processView.ts';
import { listSyncRuns, type SyncRunRow } from '../../db/queries/sync.ts';
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
  listOf,
  ourId,
  pageOf,
  pageQuery,
  route,
  send,
} from '../define.ts';
import { callerOf } from '../middleware/authenticate.ts';
import { ApiProblem } from '../problem.ts';
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

const runSchema = z
  .object({
    id: z.uuid(),
    integrationId: z.uuid(),
    /** The only customer that the run read, because it was new; null = all customers. */
    vendorAccountId: z.string().nullable(),
    state: z.enum(syncRunStates),
    startedAt: isoDate,
    finishedAt: isoDateOrNull,
    figures: z.record(z.string(), z.number()).nullable(),
    guard: z.unknown(),
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
  figures: { accounts: 40, lateAccounts: 0 },
  guard: { held: true, reasons: ['The total moved by 31 %.'] },
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

export const syncRoutes = createRouter();

syncRoutes.openapi(request, async (c) => {
  const integration = await activeIntegration(c.get('deps'), c.get('caller'), c.req.valid('param').id);
  await runCommand(c, requestSync, { integration });
  const { id } = integration;
  return send(c, requestSchema, { integrationId: id, workflowId: `sync/${id}`, state: 'requested' }, 202);
});

syncRoutes.openapi(list, async (c) => {
  const deps = c.get('deps');
  const row = await ownedIntegration(deps, c.get('caller'), c.req.valid('param').id);
  const { limit, cursor } = c.req.valid('query');
  const rows = await listSyncRuns(deps.db, row.id, { before: decodeCursor(cursor, ourId), limit: limit + 1 });
  const page = pageOf(rows, limit, (run) => run.id);
  const items = page.items.map(await createIncompleteViewer(deps.db, page.items));
  return send(c, listOf(runSchema), { ...page, items });
});

syncRoutes.openapi(get, async (c) => {
  const deps = c.get('deps');
  return send(c, runWithSteps, await runView(deps, await ownedRun(deps, c.get('caller'), c.req.valid('param').id)));
});

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
