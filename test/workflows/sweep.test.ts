import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commitFact, createProcess, parkProcess, type ProcessRef } from '../../db/queries/process.ts';
import { takeOverdue } from '../../db/queries/processOverdue.ts';
import { ConnectorError } from '../../connectors/errors.ts';
import { listSteps } from '../../db/queries/processView.ts';
import { workflowIdOf } from '../../domain/process/ids.ts';
import { createTemporalClient } from '../../temporal/client.ts';
import { ensureSweep, sweepScheduleId } from '../../temporal/schedules.ts';
import { createWaker } from '../../temporal/wake.ts';
import { startHarness, wakeProcess, type ProcessHarness } from '../kit/processHarness.ts';
import { until } from '../../dev/until.ts';

const overdueMs = 1_000;
let harness: ProcessHarness;
/** Asked for between the last claim and the end of the run, and its wake lost. */
let lateFor: string | undefined;

beforeAll(async () => {
  harness = await startHarness({
    env: { SWEEP_OVERDUE_MS: String(overdueMs), SWEEP_INTERVAL_MS: '500', TRANSIENT_LIMIT_MS: '1800000' },
    wrap: (real) => ({
      claimPsaRefresh: async (id) => {
        const round = await real.claimPsaRefresh(id);
        if (round === null && lateFor === id) {
          lateFor = undefined;
          await harness.askRefresh(id);
        }
        return round;
      },
    }),
  });
});
afterAll(() => harness?.close());

const refresh = async () => ({ kind: 'refreshPsa' as const, id: await harness.connection() });

/** As if the last fact had been committed a while ago. */
async function age(ref: ProcessRef, ms: number): Promise<void> {
  await harness.db.execute(
    sql`update process set due_at = due_at - ${ms} * interval '1 millisecond' where kind = ${ref.kind} and id = ${ref.id}`,
  );
}

const dueInMs = async (ref: ProcessRef) => {
  const {
    rows: [row],
  } = await harness.db.execute<{ ms: number }>(
    sql`select extract(epoch from due_at - now())::float8 * 1000 as ms from process where kind = ${ref.kind} and id = ${ref.id}`,
  );
  return row?.ms ?? Number.NaN;
};

test('facts committed while Temporal is away happen after the sweep found them', async () => {
  // Nobody listens there: what a wake meets while the server is down.
  const gone = createTemporalClient({ address: '127.0.0.1:1' }, 'default');
  const refs = await Promise.all([refresh(), refresh(), refresh()]);
  const lost = async (ref: ProcessRef) => {
    await harness.askRefresh(ref.id);
    // The wake fails, and nobody is told: the fact is committed.
    await wakeProcess({ ...harness.deps, wake: createWaker(gone.client) }, ref);
    expect(await harness.isOpen(ref)).toBe(false);
    await age(ref, 2 * overdueMs);
  };
  await Promise.all(refs.map(lost));
  await gone.close();
  expect(await harness.sweep()).toBe(refs.length);
  for (const ref of refs) {
    await until('the refresh to be applied', async () => (await harness.effects(ref))['applyPsa'] === 1);
    await harness.untilClosed(ref);
    expect(await harness.row(ref)).toMatchObject({ dueAt: null, sweeps: 0 });
  }
});

test('a Schedule starts the sweep if it is not there; it stays, and of two the older one ends', async () => {
  const { client } = harness;
  const open = async () => {
    const found = [];
    for await (const run of client.workflow.list({ query: "Process = 'sweep' and ExecutionStatus = 'Running'" }))
      found.push(run.workflowId);
    return found;
  };
  const only = () =>
    until('one sweep to be there', async () => {
      const ids = await open();
      return ids.length === 1 ? ids[0] : undefined;
    });
  const schedule = client.schedule.getHandle(sweepScheduleId);
  await ensureSweep(client);
  const first = await only();
  // It is there already: the Schedule starts none.
  await schedule.trigger();
  const events = async (id: string) => (await client.workflow.getHandle(id).fetchHistory()).events ?? [];
  const sleptThrice = (id: string) =>
    until('it to have slept between sweeps', async () => {
      const fired = (await events(id)).filter(({ timerFiredEventAttributes }) => timerFiredEventAttributes);
      return fired.length >= 3;
    });
  await sleptThrice(first);
  expect(await open()).toEqual([first]);
  expect((await schedule.describe()).spec.intervals).toEqual([expect.objectContaining({ every: 300_000 })]);
  // Terminated, it comes back; after its Schedule was deleted and made again, the new one takes over.
  await client.workflow.getHandle(first).terminate();
  await schedule.trigger();
  const second = await until('another one', async () => (await open()).find((id) => id !== first));
  // A Schedule names what it starts after the second in which it does so.
  await sleptThrice(second);
  await schedule.delete();
  await ensureSweep(client);
  await until('the older one to end', async () => {
    const { status } = await client.workflow.getHandle(second).describe();
    return status.name === 'COMPLETED';
  });
  expect(await only()).not.toBe(second);
  await schedule.delete();
  await client.workflow.getHandle(await only()).terminate();
});

test('an activity that somebody paused in the Temporal UI is found by the sweep, and is no longer said when it is unpaused', async () => {
  const { client, db } = harness;
  const ref = await refresh();
  let fails = true;
  harness.works(
    'pullPsa',
    async () => {
      if (fails) throw new ConnectorError({ kind: 'transient', code: 'upstream', status: 503, detail: 'away' });
    },
    ref.id,
  );
  await harness.askRefresh(ref.id);
  await harness.wake(ref);
  await until('it to be tried', () => harness.attemptsOf('pullPsa', ref.id) > 0);
  const activity = {
    namespace: client.options.namespace,
    identity: 'a person',
    execution: { workflowId: workflowIdOf(ref.kind, ref.id) },
    type: 'pullPsa',
  };
  await client.workflowService.pauseActivity(activity);
  const paused = async () => {
    await harness.sweep();
    return db.query.pausedActivity.findMany({ where: (row, { eq }) => eq(row.id, ref.id) });
  };
  const [found] = await until('the sweep to find it', async () => {
    const rows = await paused();
    return rows.length > 0 ? rows : undefined;
  });
  expect(found).toMatchObject({ kind: 'refreshPsa', activity: 'pullPsa' });
  expect(Math.abs(Date.now() - (found?.pausedAt.getTime() ?? 0))).toBeLessThan(300_000);
  const step = async () => (await listSteps(db, ref)).find((row) => row.step === 'pullPsa');
  expect(await step()).toMatchObject({ state: 'running', facts: { pausedInTemporal: true } });
  fails = false;
  await client.workflowService.unpauseActivity(activity);
  await harness.untilClosed(ref);
  await until('it to be no longer said', async () => (await paused()).length === 0);
});

test('a request that comes after the last claim of a run, its wake lost, is done by that run', async () => {
  const ref = await refresh();
  lateFor = ref.id;
  await harness.wake(ref);
  await until('the request to be there', () => lateFor === undefined);
  await harness.untilClosed(ref);
  expect(await harness.row(ref)).toMatchObject({ dueAt: null });
  expect(await harness.effects(ref)).toEqual({ checkPsaPermissions: 1, pullPsa: 1, applyPsa: 1 });
  expect(await harness.runs(ref)).toHaveLength(1);
});

test('a process is not woken before it is overdue, nor one that waits for a person', async () => {
  const fresh = await refresh();
  const parked = await refresh();
  await harness.fact(fresh);
  await parkProcess(harness.db, { ...parked, version: 1, dueInMs: null });
  const taken = await takeOverdue(harness.db, overdueMs, 1_000);
  expect(taken.map(({ id }) => id)).not.toContain(fresh.id);
  expect(taken.map(({ id }) => id)).not.toContain(parked.id);
});

test('a process that stays overdue is woken less and less often, up to an hour; a fact begins anew', async () => {
  const ref = await refresh();
  const taken = async () => (await takeOverdue(harness.db, overdueMs, 1_000)).some(({ id }) => id === ref.id);
  for (let sweeps = 0; sweeps < 15; sweeps++) {
    await harness.db.execute(sql`update process set due_at = now() - interval '1 minute' where id = ${ref.id}`);
    expect(await taken()).toBe(true);
    const expected = Math.min(overdueMs * 2 ** sweeps, 3_600_000);
    expect(await dueInMs(ref)).toBeGreaterThan(expected - 2_000);
    expect(await dueInMs(ref)).toBeLessThanOrEqual(expected);
    expect(await taken(), 'not again at once').toBe(false);
  }
  await commitFact(harness.db, ref);
  expect(await harness.row(ref)).toMatchObject({ sweeps: 0 });
  expect(await dueInMs(ref)).toBeLessThanOrEqual(0);
});

test('sweeps at the same time take different rows, and all of them', async () => {
  const ids: string[] = Array.from({ length: 300 }, () => randomUUID());
  const all = new Set(ids);
  for (const id of ids) await createProcess(harness.db, harness.organizationId, { kind: 'approveUsage', id });
  await harness.db.execute(sql`update process set due_at = now() - interval '1 minute' where kind = 'approveUsage'`);
  const sweep = async () => {
    const mine: string[] = [];
    for (;;) {
      const batch = await takeOverdue(harness.db, overdueMs, 20);
      mine.push(...batch.map(({ id }) => id));
      if (batch.length === 0) return mine;
    }
  };
  const taken = (await Promise.all([sweep(), sweep(), sweep(), sweep()])).flat().filter((id) => all.has(id));
  expect(taken.toSorted()).toEqual(ids.toSorted());
});

test('a process is parked only if no fact arrived since it looked', async () => {
  const ref = await refresh();
  const { version } = await harness.row(ref);
  await harness.fact(ref);
  expect(await parkProcess(harness.db, { ...ref, version, dueInMs: null })).toBe(false);
  expect((await harness.row(ref)).dueAt).not.toBeNull();
  expect(await parkProcess(harness.db, { ...ref, version: version + 1, dueInMs: null })).toBe(true);
  expect((await harness.row(ref)).dueAt).toBeNull();
  expect(await parkProcess(harness.db, { ...ref, version: version + 1, dueInMs: 60_000 })).toBe(true);
  expect(await dueInMs(ref)).toBeGreaterThan(50_000);
});
