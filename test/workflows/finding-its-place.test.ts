import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commitPiece, performStep } from '../../activities/step.ts';
import type { ProcessRef, StepKey } from '../../db/queries/process.ts';
import { claimRefresh, moveRefreshCursor, takeOverRefresh } from '../../db/queries/psaConnection.ts';
import { listStagedIds, stageRows } from '../../db/queries/staging.ts';
import { ConnectorError } from '../../connectors/errors.ts';
import { stepsOf, type ProcessKind, type StepName } from '../../domain/process.ts';
import { gate, personSteps, startHarness, type ProcessHarness } from '../kit/processHarness.ts';
import { until } from '../../dev/until.ts';

let harness: ProcessHarness;

beforeAll(async () => {
  harness = await startHarness();
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
  const id = await harness.integration(psaConnectionId);
  if (kind === 'sync') await harness.askSync(id);
  return { kind, id };
}

async function terminateAndStart(ref: ProcessRef): Promise<void> {
  await harness.terminate(ref);
  await harness.wake(ref);
}

/** Does for a process what people do: each person's step as soon as it has its turn. */
async function drive(ref: ProcessRef): Promise<void> {
  const last = stepsOf[ref.kind].at(-1);
  await until(`${ref.kind} to reach its end`, async () => {
    const rows = await harness.steps(ref);
    const next = rows.find((row) => row.state !== 'done' && row.state !== 'skipped');
    if (next && personSteps.some((step) => step === next.step)) {
      await harness.fact(ref, next.step as StepName);
      await harness.wake(ref);
    }
    return rows.length > 0 && rows.at(-1)?.step === last && !next;
  });
}

const automatic: Record<ProcessKind, StepName[]> = {
  connect: ['verifyCredentials', 'matchExactly'],
  refreshPsa: [...stepsOf.refreshPsa],
  sync: ['pullVendor', 'checkComplete', 'guard', 'apply', 'close'],
  approveUsage: [...stepsOf.approveUsage],
};
const kinds = Object.keys(stepsOf) as ProcessKind[];
const automaticSteps = kinds.flatMap((kind) => automatic[kind].map((step) => ({ kind, step })));

test.for(automaticSteps)(
  'terminated while $kind does $step, it finds its place and does nothing twice',
  async ({ kind, step }) => {
    const ref = await create(kind);
    const atWork = gate();
    let first = true;
    harness.works(
      step,
      async () => {
        if (!first) return;
        first = false;
        await atWork.pass();
      },
      ref.id,
    );
    await harness.wake(ref);
    const driven = drive(ref);
    await atWork.reached;
    await terminateAndStart(ref);
    // The one that lost its workflow works on, as it would on a worker that has not heard of it yet.
    await until('the step to be tried again', () => harness.attemptsOf(step, ref.id) === 2);
    atWork.open();
    await driven;
    await harness.untilClosed(ref);
    expect(await harness.effects(ref)).toEqual(Object.fromEntries(automatic[kind].map((name) => [name, 1])));
    expect(await harness.row(ref)).toMatchObject({ dueAt: null });
  },
);

test.for(automaticSteps)(
  'terminated after $kind committed $step but before Temporal knew, it goes on with the next step',
  async ({ kind, step }) => {
    const ref = await create(kind);
    const committed = gate();
    harness.afterCommit(step, committed.pass, ref.id);
    await harness.wake(ref);
    const driven = drive(ref);
    await committed.reached;
    await terminateAndStart(ref);
    await driven;
    await harness.untilClosed(ref);
    committed.open();
    expect(await harness.effects(ref)).toEqual(Object.fromEntries(automatic[kind].map((name) => [name, 1])));
    expect(harness.attemptsOf(step, ref.id)).toBe(1);
  },
);

test.for(['credentials', 'linkCustomers', 'psa', 'mapAccounts', 'mapServices', 'finish', 'firstSync'] as const)(
  'terminated while connect waits at %s, it waits there again',
  async (step) => {
    const ref = await create('connect');
    if (step === 'psa') await harness.wake(ref);
    const refresh = gate();
    const sync = gate();
    const { psaConnectionId } = await integrationOf(ref.id);
    harness.works('pullPsa', refresh.pass, psaConnectionId);
    harness.works('pullVendor', sync.pass, ref.id);
    if (step !== 'psa') refresh.open();
    if (step !== 'firstSync') sync.open();
    await harness.wake(ref);
    await until(`connect to wait at ${step}`, async () => {
      const next = (await harness.steps(ref)).find((row) => row.state !== 'done' && row.state !== 'skipped');
      if (next?.step === step) return true;
      if (next && personSteps.some((name) => name === next.step)) {
        await harness.fact(ref, next.step as StepName);
        await harness.wake(ref);
      }
      return false;
    });
    await terminateAndStart(ref);
    await until('the new run to show where it waits', async () => (await harness.details(ref)).includes('waits for'));
    refresh.open();
    sync.open();
    await drive(ref);
    await harness.untilClosed(ref);
    expect(await harness.effects(ref)).toEqual({ verifyCredentials: 1, matchExactly: 1 });
  },
);

async function integrationOf(id: string) {
  const row = await harness.db.query.integration.findFirst({ where: (table, { eq }) => eq(table.id, id) });
  if (!row) throw new Error('There is no such integration.');
  return row;
}

test('an activity whose answer to Temporal was lost runs again and writes nothing twice', async () => {
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

test('two attempts that finish a step at the same moment commit its effect once', async () => {
  for (let round = 0; round < 20; round++) {
    const step: StepKey = { kind: 'approveUsage', id: await harness.batch(), round: '1', step: 'write' };
    let effects = 0;
    let arrived = 0;
    const both = gate();
    const attempt = () =>
      performStep(harness.deps, step, async () => {
        if (++arrived === 4) both.open();
        await both.pass();
        return async () => {
          effects++;
        };
      });
    await Promise.all([attempt(), attempt(), attempt(), attempt()]);
    expect(effects).toBe(1);
  }
});

test('a refused piece of a superseded attempt leaves nothing behind', async () => {
  const ref = await create('refreshPsa');
  const round = (await claimRefresh(harness.db, ref)) ?? '';
  const step: StepKey = { ...ref, round, step: 'pullPsa' };
  const zombie = await takeOverRefresh(harness.db, round);
  const newer = await takeOverRefresh(harness.db, round);
  const stage = (attempt: typeof zombie, cursor: string) =>
    commitPiece(harness.deps, step, async (tx) => {
      await stageRows(tx, round, 'psa_board', [{ id: cursor, data: {} }]);
      return moveRefreshCursor(tx, attempt, { [cursor]: 'read' });
    });
  await stage(newer, 'newer');
  await expect(stage(zombie, 'zombie')).rejects.toThrow('newer attempt');
  await stage(newer, 'newest');
  expect((await listStagedIds(harness.db, round, 'psa_board')).toSorted()).toEqual(['newer', 'newest']);
});

test('an attempt that a zombie took over from is tried again instead of blocking the step', async () => {
  const ref = await create('refreshPsa');
  let tries = 0;
  harness.works(
    'pullPsa',
    async (step) => {
      tries++;
      const mine = await takeOverRefresh(harness.db, step.round);
      // A worker that was frozen before it took over does so now, and will never answer.
      if (tries === 1) await takeOverRefresh(harness.db, step.round);
      await commitPiece(harness.deps, step, (tx) => moveRefreshCursor(tx, mine, { [randomUUID()]: 'read' }));
    },
    ref.id,
  );
  await harness.wake(ref);
  await harness.untilStep(ref, 'applyPsa', 'done');
  expect(tries).toBe(2);
});

test('a step that an older attempt finishes after it was blocked goes on', async () => {
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
  await until('the process to be parked', async () => (await harness.row(ref)).dueAt === null);
  frozen.open();
  await harness.untilStep(ref, 'close', 'done');
  // Nobody knows whom to wake; the sweep does.
  expect((await harness.row(ref)).dueAt).not.toBeNull();
});

test.for(['write', 'close'] as const)(
  'a worker that is told to stop in the middle of %s leaves it to the next one',
  async (step) => {
    const ref = await create('approveUsage');
    let tries = 0;
    harness.works(
      step,
      async () => {
        tries++;
        if (tries === 1) await Context.current().cancelled;
      },
      ref.id,
    );
    await harness.wake(ref);
    await until('the step to be at work', () => tries === 1);
    await harness.stopWorkers();
    await harness.startWorkers();
    await harness.untilClosed(ref);
    expect(await harness.effects(ref)).toEqual({ write: 1, settle: 1, close: 1 });
    expect(tries).toBe(2);
  },
);
