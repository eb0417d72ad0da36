/**
 * Records what `test/workflows/replay.test.ts` replays (`npm run record:histories`): runs of every workflow at every
 * kind of place it can be at, closed and still open. Each recording is a folder of its own with the next number, of the code of
 * its time. An older one is deleted only when no workflow of its code can be open any more; until then a change that does not
 * replay needs `patched` (docs/architecture.md).
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { pid } from 'node:process';
import { randomUUID } from 'node:crypto';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, test } from 'vitest';
import { ConnectorError } from '../../connectors/errors.ts';
import type { ProcessRef } from '../../db/queries/process.ts';
import { workflowTaskQueue } from '../../domain/process/ids.ts';
import { until } from '../../dev/until.ts';
import { personSteps, startHarness, type ProcessHarness } from '../kit/processHarness.ts';

const newest = Math.max(0, ...readdirSync(import.meta.dirname).map((name) => Number(name) || 0));
const folder = join(import.meta.dirname, String(newest + 1));
let harness: ProcessHarness;
/** The batch whose `write` says "again" and is woken, time after time. */
let again = '';
/** The process whose next look fails: it is then looked at the long way. */
let stumbling = '';

beforeAll(async () => {
  harness = await startHarness({
    wrap: (real) => ({
      writeLines: async (ref) => {
        if (again !== ref.id) return real.writeLines(ref);
        void delay(20).then(() => harness.wake(ref));
        return { againInMs: 60_000, because: 'the PSA is still searching' };
      },
      look: async (ref) => {
        if (stumbling !== ref.id) return real.look(ref);
        stumbling = '';
        throw new Error('The database is not itself.');
      },
    }),
  });
  mkdirSync(folder);
});
afterAll(() => harness?.close());

/** Writes every run of a process so far: `name.json`, or `name-1.json`, `name-2.json`, … from the first run on. */
async function record(name: string, ref: ProcessRef): Promise<void> {
  const runs = (await harness.runs(ref)).toReversed();
  for (const [at, { events }] of runs.entries()) {
    const suffix = runs.length > 1 ? `-${at + 1}` : '';
    writeFileSync(join(folder, `${name}${suffix}.json`), `${clean(historyToJSON({ events }))}\n`);
  }
}

/** Without what says on which machine it ran: no replay depends on it. */
function clean(json: string): string {
  const unnamed = json.replaceAll(new RegExp(`${pid}@${hostname()}`, 'g'), 'worker');
  return JSON.stringify(JSON.parse(unnamed), (key, value: unknown) => (key === 'stackTrace' ? undefined : value));
}

async function untilDetails(ref: ProcessRef, words: string): Promise<void> {
  await until(`${ref.kind} to say "${words}"`, async () => (await harness.details(ref)).includes(words));
}
const untilParked = (ref: ProcessRef) =>
  until('nothing to be due', () => harness.isParked(ref));
const forbidden = () =>
  Promise.reject(new ConnectorError({ kind: 'permanent', code: 'forbidden', detail: 'Not allowed.' }));
const away = () => Promise.reject(new ConnectorError({ kind: 'transient', code: 'upstream', detail: 'Away.' }));

test('the guide: connect from the first step to the last, with the refresh and the sync that it needs', async () => {
  const psa = { kind: 'refreshPsa' as const, id: await harness.connection() };
  const id = await harness.integration(psa.id);
  const connect = { kind: 'connect' as const, id };
  await harness.wake(connect);
  for (const step of personSteps) {
    await until(`${step} to have its turn`, async () => {
      const next = (await harness.steps(connect)).find((row) => row.state !== 'done' && row.state !== 'skipped');
      return next?.step === step;
    });
    await untilDetails(connect, 'waits for a person');
    if (step === 'mapAccounts') await record('connect-waits-for-a-person', connect);
    await harness.fact(connect, step);
    await harness.wake(connect);
  }
  await harness.untilStep(connect, 'firstSync', 'done');
  for (const ref of [connect, { kind: 'sync' as const, id }, psa]) {
    await harness.untilClosed(ref);
    await record(`${ref.kind}-of-the-guide`, ref);
  }
});

test('a sync of a vendor that pushes and has sent nothing yet, after a first look that failed', async () => {
  const sync = { kind: 'sync' as const, id: await harness.integration(await harness.connection(), 'push') };
  stumbling = sync.id;
  await harness.askSync(sync.id);
  await harness.wake(sync);
  await untilDetails(sync, 'waits for the vendor to send its counts');
  await record('sync-waits-for-counts', sync);
});

test('a sync that waits for a blocked refresh, and both when it is free again', async () => {
  const psa = { kind: 'refreshPsa' as const, id: await harness.connection() };
  const sync = { kind: 'sync' as const, id: await harness.integration(psa.id) };
  harness.works('pullPsa', forbidden, psa.id);
  await harness.askSync(sync.id);
  await harness.wake(sync);
  await untilDetails(sync, 'which is **blocked (forbidden)**');
  await untilDetails(psa, 'blocked (forbidden)');
  await untilParked(psa);
  await record('sync-needs-a-blocked-refresh', sync);
  await record('refreshPsa-blocked', psa);
  harness.works('pullPsa', async () => undefined, psa.id);
  await harness.wake(psa);
  await harness.untilClosed(psa);
  await harness.untilClosed(sync);
  await record('sync-freed', sync);
  await record('refreshPsa-freed', psa);
});

test('an approval whose PSA is away: unreachable, then tried again by its own timer', async () => {
  const ref = { kind: 'approveUsage' as const, id: await harness.batch() };
  harness.works('write', away, ref.id);
  await harness.wake(ref);
  await untilDetails(ref, 'blocked (unreachable)');
  await record('approveUsage-unreachable', ref);
  harness.works('write', async () => undefined, ref.id);
  await harness.untilClosed(ref);
  await record('approveUsage-reached-again', ref);
});

test('an approval long enough to leave its history behind', async () => {
  const ref = { kind: 'approveUsage' as const, id: await harness.batch() };
  again = ref.id;
  await harness.wake(ref);
  await until('a second run', async () => (await harness.runs(ref)).length > 1);
  again = '';
  await harness.wake(ref);
  await harness.untilStep(ref, 'close', 'done');
  await harness.untilClosed(ref);
  await record('approveUsage-continued', ref);
});

test('a sync terminated in the middle and started again', async () => {
  const sync = { kind: 'sync' as const, id: await harness.integration(await harness.connection()) };
  harness.works(
    'guard',
    async () => {
      harness.works('guard', async () => undefined, sync.id);
      await harness.terminate(sync);
      await harness.wake(sync);
    },
    sync.id,
  );
  await harness.askSync(sync.id);
  await harness.wake(sync);
  await harness.untilStep(sync, 'close', 'done');
  await harness.untilClosed(sync);
  await record('sync-terminated', sync);
});

test('a migration to alerts, halfway and to its end', async () => {
  const psaConnectionId = await harness.connection();
  const migration = { kind: 'migrateToAlerts' as const, id: await harness.migration(psaConnectionId) };
  await harness.wake(migration);
  await untilDetails(migration, 'waits for a person to choose which customers to link');
  await harness.untilStep(migration, 'checkPermissions', 'done');
  await untilParked(migration);
  await record('migrateToAlerts-halfway', migration);
  for (const step of ['linkCustomers', 'updateAccountMapping', 'chooseBoard'] as const) {
    await harness.fact(migration, step);
    await harness.wake(migration);
  }
  await harness.untilStep(migration, 'updateCounts', 'done');
  await harness.untilClosed(migration);
  await record('migrateToAlerts-of-the-guide', migration);
});

test('an alert delivered, and one whose ticket may not be written', async () => {
  const psaConnectionId = await harness.connection();
  const delivered = { kind: 'deliverAlert' as const, id: await harness.alert(psaConnectionId) };
  await harness.wake(delivered);
  await harness.untilStep(delivered, 'recordDelivery', 'done');
  await harness.untilClosed(delivered);
  await record('deliverAlert-delivered', delivered);
  const blocked = { kind: 'deliverAlert' as const, id: await harness.alert(psaConnectionId) };
  harness.works('writeTicket', forbidden, blocked.id);
  await harness.wake(blocked);
  await untilDetails(blocked, 'blocked (forbidden)');
  await untilParked(blocked);
  await record('deliverAlert-blocked', blocked);
});

test('new customers that are started, and one of them, waiting, reminded of and onboarded', async () => {
  const found = await harness.foundCustomers(await harness.connection(), 2);
  const starter = { kind: 'startOnboardings' as const, id: found };
  await harness.wake(starter);
  await harness.untilStep({ kind: 'onboardCustomer', id: `${found}/2` }, 'detect', 'done');
  await harness.untilClosed(starter);
  await record('startOnboardings', starter);
  const customer = { kind: 'onboardCustomer' as const, id: await harness.customer(await harness.connection()) };
  await harness.wake(customer);
  await untilDetails(customer, 'waits for a person to map it');
  await record('onboardCustomer-waits', customer);
  await harness.db.execute(sql`update process_step set remind_at = now() where id = ${customer.id}`);
  await harness.wake(customer);
  await until('it to be reminded of', async () => {
    const { rows } = await harness.db.execute(sql`
      select 1 from onboarding where reminders > 0 and integration_id || '/' || vendor_account_id = ${customer.id}`);
    return rows.length > 0;
  });
  await harness.fact(customer, 'mapCustomer');
  await harness.wake(customer);
  await harness.untilStep(customer, 'showCards', 'done');
  await harness.untilClosed(customer);
  await record('onboardCustomer-onboarded', customer);
});

test('what Schedules start', async () => {
  const integrationId = await harness.integration(await harness.connection());
  await harness.db.execute(sql`update process set due_at = now() - interval '1 day' where id = ${integrationId}`);
  for (const [type, args] of [
    ['sweep', []],
    ['requestSync', [{ integrationId }]],
  ] as const) {
    const handle = await harness.client.workflow.start(type, {
      workflowId: `${type}-${randomUUID()}`,
      taskQueue: workflowTaskQueue,
      args: [...args],
    });
    if (type === 'requestSync') await handle.result();
    // It sleeps now, and stays.
    else await until('a sweep', async () => (await harness.db.query.sweep.findFirst())?.sweptAt);
    writeFileSync(join(folder, `${type}.json`), `${clean(historyToJSON(await handle.fetchHistory()))}\n`);
  }
});
