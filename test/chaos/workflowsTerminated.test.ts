import { MockActivityEnvironment } from '@temporalio/testing';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from 'drizzle-orm';
import { partsCommitted, performReading } from '../../activities/reading.ts';
import { commitChunk, performStep } from '../../activities/step.ts';
import { audit, countersign } from '../../commands/actor.ts';
import type { ProcessRef, StepKey } from '../../db/queries/process.ts';
import { claimRefresh, moveRefreshCursor, takeOverRefresh } from '../../db/queries/psaConnection.ts';
import { listStagedIds, stageRows } from '../../db/queries/staging.ts';
import { ConnectorError } from '../../connectors/errors.ts';
import { asPart, readingStep } from '../../connectors/readingStep.ts';
import { stepsOf, type ProcessKind, type StepName } from '../../domain/process/steps.ts';
import { gate, personSteps, startHarness, type ProcessHarness } from '../kit/processHarness.ts';
import { until } from '../../dev/until.ts';

let harness: ProcessHarness;

/** The integration whose starter is terminated after its first batch has started, and before Temporal knows. */
let terminating = '';
let batches = 0;

beforeAll(async () => {
  harness = await startHarness({
    wrap: (real) => ({
      startOnboardings: async (integrationId) => {
        const more = await real.startOnboardings(integrationId);
        if (integrationId === terminating && ++batches === 1)
          await terminateAndStart({ kind: 'startOnboardings', id: integrationId });
        return more;
      },
    }),
  });
});
afterAll(() => harness?.close());

/** A process of a kind with something to do, and nobody driving it yet. */
async function create(kind: ProcessKind): Promise<ProcessRef> {
  if (kind === 'approveUsage') return { kind, id: await harness.batch() };
  const psaConnectionId = await harness.connection();
  if (kind === 'refreshPsa') {
    await harness.askRefresh(psaConnectionId);
    return { kind, id: psaConnectionId };
  }
  if (kind === 'migrateToAlerts') return { kind, id: await harness.migration(psaConnectionId) };
  if (kind === 'deliverAlert') return { kind, id: await harness.alert(psaConnectionId) };
  if (kind === 'onboardCustomer') return { kind, id: await harness.customer(psaConnectionId) };
  const id = await harness.integration(psaConnectionId);
  if (kind === 'sync') await harness.askSync(id);
  return { kind, id };
}

async function terminateAndStart(ref: ProcessRef): Promise<void> {
  // The place after one step and the place at the next are reached at the same moment: the other may have terminated it.
  await until('the workflow to be open, and terminated', async () => {
    await harness.terminate(ref);
    return true;
  });
  await harness.wake(ref);
}

const automatic: Record<ProcessKind, StepName[]> = {
  connect: ['verifyCredentials', 'matchExactly'],
  refreshPsa: [...stepsOf.refreshPsa],
  sync: ['pullVendor', 'checkComplete', 'guard', 'apply', 'close'],
  approveUsage: [...stepsOf.approveUsage],
  migrateToAlerts: ['checkPermissions'],
  deliverAlert: [...stepsOf.deliverAlert],
  onboardCustomer: ['pullCustomer', 'showCards'],
  startOnboardings: [],
};
/** Steps in which a process waits for a person or for another process. */
const waiting: Record<ProcessKind, string[]> = {
  connect: [...personSteps, 'psa', 'firstSync'],
  refreshPsa: [],
  sync: ['freshPsa'],
  approveUsage: [],
  migrateToAlerts: ['linkCustomers', 'updateAccountMapping', 'updateCounts', 'chooseBoard'],
  deliverAlert: [],
  onboardCustomer: ['mapCustomer'],
  startOnboardings: [],
};
const byPeople: string[] = [...personSteps, 'updateAccountMapping', 'chooseBoard', 'mapCustomer'];
const kinds = (Object.keys(stepsOf) as ProcessKind[]).filter((kind) => stepsOf[kind].length > 0);

/** Does for a process what people do: each person's step as soon as it has its turn. */
async function drive(ref: ProcessRef, before: (step: StepName) => Promise<void>): Promise<void> {
  const last = stepsOf[ref.kind].at(-1);
  let handled = '';
  await until(
    `${ref.kind} to reach its end`,
    async () => {
      const rows = await harness.steps(ref);
      const next = rows.find((row) => row.state !== 'done' && row.state !== 'skipped');
      if (next && next.step !== handled && !automatic[ref.kind].some((step) => step === next.step)) {
        handled = next.step;
        await before(next.step as StepName);
        if (byPeople.includes(next.step)) await harness.fact(ref, next.step as StepName);
        await harness.wake(ref);
      }
      if (next) throw new Error(`${ref.kind} is still at ${next.step}, which is ${next.state}.`);
      return rows.at(-1)?.step === last;
    },
    110_000,
  );
}

test.concurrent.for(kinds)(
  '%s, terminated at every place it can be at, does everything once and comes to the same end',
  { timeout: 120_000 },
  async (kind) => {
    const ref = await create(kind);
    const terminated: string[] = [];
    const once = async (place: string) => {
      if (terminated.includes(place)) return false;
      terminated.push(place);
      await terminateAndStart(ref);
      return true;
    };
    for (const step of automatic[kind]) {
      harness.works(
        step,
        async () => {
          if (!(await once(`in ${step}`))) return;
          // The attempt that lost its workflow works on beside the next one, as on a worker that has not heard of it yet.
          await until(`${step} to be tried again`, () => harness.attemptsOf(step, ref.id) > 1);
        },
        ref.id,
      );
      // Committed, and Temporal does not know it.
      harness.afterCommit(step, async () => void (await once(`after ${step}`)), ref.id);
    }
    await harness.wake(ref);
    // Waiting for a person or for another process.
    await drive(ref, async (step) => void (await once(`at ${step}`)));
    // The last run may still have to be started: closed is not over.
    await until('nothing to be due', async () => (await harness.row(ref)).dueAt === null);
    await harness.untilClosed(ref);
    const places = automatic[kind].flatMap((step) => [`in ${step}`, `after ${step}`]);
    expect(terminated).toEqual(expect.arrayContaining([...places, ...waiting[kind].map((step) => `at ${step}`)]));
    expect(await harness.effects(ref)).toEqual(Object.fromEntries(automatic[kind].map((step) => [step, 1])));
  },
);

test('whoever starts new customers, terminated after the first of them, starts the others too, each once', async () => {
  const id = await harness.foundCustomers(await harness.connection(), 230);
  terminating = id;
  const starter = { kind: 'startOnboardings' as const, id };
  await harness.wake(starter);
  await until('all of them to wait for a person', async () => {
    const { rows } = await harness.db.execute<{ n: number }>(sql`
      select count(*)::int as n from onboarding o
        join process p on p.kind = 'onboardCustomer' and p.id = o.integration_id || '/' || o.vendor_account_id
       where o.integration_id = ${id} and o.state = 'waiting' and not o.to_wake and p.due_at > now() + interval '1 hour'`);
    return rows[0]?.n === 230;
  });
  await harness.untilClosed(starter);
  expect((await harness.row(starter)).dueAt).toBeNull();
  expect(batches).toBeGreaterThan(2);
});

test.concurrent('an activity whose answer to Temporal was lost runs again and writes nothing twice', async () => {
  const ref = await create('approveUsage');
  let lost = false;
  harness.afterCommit(
    'close',
    async () => {
      if (lost) return;
      lost = true;
      throw new Error('The answer did not arrive.');
    },
    ref.id,
  );
  await harness.wake(ref);
  await harness.untilClosed(ref);
  expect(lost).toBe(true);
  expect(harness.attemptsOf('close', ref.id)).toBe(1);
  expect(await harness.effects(ref)).toEqual({ write: 1, settle: 1, close: 1 });
});

test.concurrent('two attempts that finish a step at the same moment commit its effect once', async () => {
  for (let round = 0; round < 20; round++) {
    const step: StepKey = { kind: 'approveUsage', id: await harness.batch(), round: '1', step: 'write' };
    let arrived = 0;
    const both = gate();
    const attempt = () =>
      new MockActivityEnvironment().run(() =>
        performStep(harness.deps, step, async () => {
          if (++arrived === 4) both.open();
          await both.pass();
          // An attempt that finds the step finished has its effect rolled back, so what counts is what was committed.
          return (tx) => audit(tx, countersign(harness), { action: 'effect', subjectKind: 'test', subjectId: step.id });
        }),
      );
    await Promise.all([attempt(), attempt(), attempt(), attempt()]);
    const { rows } = await harness.db.execute(
      sql`select from audit where action = 'effect' and subject_id = ${step.id}`,
    );
    expect(rows).toHaveLength(1);
  }
});

test.concurrent(
  'an answer is kept for the part that asked, though a part that is over by then had asked the same',
  async () => {
    const step: StepKey = { kind: 'approveUsage', id: await harness.batch(), round: '1', step: 'write' };
    const answer = (text: string) => ({ status: 200, headers: {}, text });
    const throttled = new ConnectorError({ kind: 'throttled', code: 'throttled', detail: 'Wait.' });
    const ask = (part: string) => asPart(part, () => readingStep()?.step.ask('the same request', part));
    const attempt = (work: () => Promise<undefined>) =>
      new MockActivityEnvironment().run(() => performReading(harness.deps, step, work));
    await expect(
      attempt(async () => {
        await ask('one')?.keep(answer('of one'));
        await ask('two')?.keep(answer('of two'));
        await harness.deps.db.transaction((tx) => partsCommitted(tx, ['one']));
        throw throttled;
      }),
    ).rejects.toThrow('throttled');
    let known: unknown;
    await attempt(async () => {
      known = (await ask('two')?.known())?.text;
      return undefined;
    });
    expect(known).toBe('of two');
  },
);

test.concurrent('a refused piece of a superseded attempt leaves nothing behind', async () => {
  const ref = await create('refreshPsa');
  const round = (await claimRefresh(harness.db, ref)) ?? '';
  const step: StepKey = { ...ref, round, step: 'pullPsa' };
  const zombie = await takeOverRefresh(harness.db, round);
  const newer = await takeOverRefresh(harness.db, round);
  const stage = (attempt: typeof zombie, cursor: string) =>
    commitChunk(harness.deps, step, async (tx) => {
      await stageRows(tx, round, 'psa_board', [{ id: cursor, data: {} }]);
      return moveRefreshCursor(tx, attempt, { [cursor]: 'read' });
    });
  await stage(newer, 'newer');
  await expect(stage(zombie, 'zombie')).rejects.toThrow('newer attempt');
  await stage(newer, 'newest');
  expect((await listStagedIds(harness.db, round, 'psa_board')).toSorted()).toEqual(['newer', 'newest']);
});

test.concurrent('an attempt that a zombie took over from is tried again instead of blocking the step', async () => {
  const ref = await create('refreshPsa');
  let tries = 0;
  harness.works(
    'pullPsa',
    async (step) => {
      tries++;
      const mine = await takeOverRefresh(harness.db, step.round);
      // A worker that was frozen before it took over does so now, and will never answer.
      if (tries === 1) await takeOverRefresh(harness.db, step.round);
      await commitChunk(harness.deps, step, (tx) => moveRefreshCursor(tx, mine, { [randomUUID()]: 'read' }));
    },
    ref.id,
  );
  await harness.wake(ref);
  await harness.untilStep(ref, 'applyPsa', 'done');
  expect(tries).toBe(2);
});

test.concurrent('a step that an older attempt finishes after it was blocked goes on', async () => {
  const ref = await create('approveUsage');
  const frozen = gate();
  let tries = 0;
  harness.works(
    'close',
    async () => {
      if (++tries === 1) return frozen.pass();
      throw new ConnectorError({ kind: 'permanent', code: 'forbidden', detail: 'not allowed' });
    },
    ref.id,
  );
  await harness.wake(ref);
  await frozen.reached;
  await terminateAndStart(ref);
  await harness.untilStep(ref, 'close', 'blocked');
  await until('the process to be parked', () => harness.isParked(ref));
  frozen.open();
  await harness.untilStep(ref, 'close', 'done');
  // Nobody knows whom to wake; the sweep does.
  expect(await harness.isParked(ref)).toBe(false);
});
