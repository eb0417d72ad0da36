import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ConnectorError } from '../../connectors/errors.ts';
import { claimSyncRun } from '../../db/queries/sync.ts';
import { gate, startHarness, type ProcessHarness } from '../kit/processHarness.ts';
import { until } from '../../dev/until.ts';

const slots = 4;
let harness: ProcessHarness;
let psa: { kind: 'refreshPsa'; id: string };

beforeAll(async () => {
  harness = await startHarness({ env: { MAX_ACTIVITIES: String(slots) } });
});
afterAll(() => harness?.close());
beforeEach(async () => {
  psa = { kind: 'refreshPsa', id: await harness.connection() };
});

/** Integrations of one connection, each with a sync that needs the PSA. */
async function syncs(count: number) {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const ref = { kind: 'sync' as const, id: await harness.integration(psa.id) };
      await harness.askSync(ref.id);
      return ref;
    }),
  );
}

const allWaiting = (refs: { id: string }[]) =>
  until('all to wait for the refresh', async () => {
    const needs = await harness.db.query.processNeed.findMany({
      where: (need, { eq, and, isNull }) => and(eq(need.otherId, psa.id), isNull(need.satisfiedAt)),
    });
    return needs.length === refs.length;
  });

test('twelve needs in four slots are met by one refresh', async () => {
  const refs = await syncs(12);
  // The refresh begins when all twelve runs have begun, so that one is enough.
  const ready = gate();
  const rounds = await Promise.all(refs.map((ref) => claimSyncRun(harness.db, ref)));
  expect(new Set(rounds).size).toBe(12);
  harness.works('checkPsaPermissions', ready.pass, psa.id);
  await Promise.all(refs.map((ref) => harness.wake(ref)));
  await ready.reached;
  await allWaiting(refs);
  ready.open();
  for (const ref of refs) await harness.untilStep(ref, 'close', 'done');
  for (const ref of [...refs, psa]) await harness.untilClosed(ref);
  expect(await harness.effects(psa)).toEqual({ checkPsaPermissions: 1, pullPsa: 1, applyPsa: 1 });
  for (const ref of refs) expect((await harness.row(ref)).dueAt).toBeNull();
});

test('a process that is terminated while it waits does not ask for a second refresh', async () => {
  const refs = await syncs(2);
  const ready = gate();
  await Promise.all(refs.map((ref) => claimSyncRun(harness.db, ref)));
  harness.works('pullPsa', ready.pass, psa.id);
  await Promise.all(refs.map((ref) => harness.wake(ref)));
  await ready.reached;
  await allWaiting(refs);
  const [joiner] = refs;
  if (!joiner) throw new Error('There is no joiner.');
  await harness.terminate(joiner);
  await harness.wake(joiner);
  await until('it to wait again', async () => (await harness.details(joiner)).includes(`psa/${psa.id}`));
  ready.open();
  for (const ref of refs) await harness.untilStep(ref, 'close', 'done');
  for (const ref of [...refs, psa]) await harness.untilClosed(ref);
  expect(await harness.effects(psa)).toEqual({ checkPsaPermissions: 1, pullPsa: 1, applyPsa: 1 });
});

test('who waits shows why the other is blocked, and goes on when it is freed', async () => {
  let refuse = true;
  harness.works(
    'pullPsa',
    async () => {
      if (refuse) throw new ConnectorError({ kind: 'permanent', code: 'bad_credentials', detail: 'A secret text.' });
    },
    psa.id,
  );
  const refs = await syncs(3);
  await Promise.all(refs.map((ref) => harness.wake(ref)));
  await harness.untilStep(psa, 'pullPsa', 'blocked');
  for (const ref of refs) {
    await until('the waiting one to show it', async () => {
      const details = await harness.details(ref);
      return details.includes(`psa/${psa.id}`) && details.includes('blocked (bad_credentials)');
    });
  }
  refuse = false;
  await harness.wake(psa);
  for (const ref of refs) await harness.untilStep(ref, 'close', 'done');
});

test('a need that an applied refresh already meets is met at once', async () => {
  const [ref] = await syncs(1);
  if (!ref) throw new Error('There is no sync.');
  await claimSyncRun(harness.db, ref);
  await harness.askRefresh(psa.id);
  await harness.wake(psa);
  await harness.untilClosed(psa);
  await harness.wake(ref);
  await harness.untilStep(ref, 'close', 'done');
  await harness.untilClosed(psa);
  expect(await harness.effects(psa)).toEqual({ checkPsaPermissions: 1, pullPsa: 1, applyPsa: 1 });
});

test('a refresh that began before the run that needs it does not count', async () => {
  await harness.askRefresh(psa.id);
  const reading = gate();
  harness.works('pullPsa', reading.pass, psa.id);
  await harness.wake(psa);
  await reading.reached;
  const [ref] = await syncs(1);
  if (!ref) throw new Error('There is no sync.');
  await harness.wake(ref);
  await allWaiting([ref]);
  reading.open();
  await harness.untilStep(ref, 'close', 'done');
  expect(await harness.effects(psa)).toMatchObject({ pullPsa: 2 });
});

test.for(['pull', 'psa'] as const)(
  'of two steps side by side neither loses the wake that comes while the other is at work (%s last)',
  async (last) => {
    const [ref] = await syncs(1);
    if (!ref) throw new Error('There is no sync.');
    const pulling = gate();
    const reading = gate();
    let refuse = true;
    harness.works(
      'pullVendor',
      async () => {
        await pulling.pass();
        if (refuse) throw new ConnectorError({ kind: 'permanent', code: 'forbidden', detail: 'No.' });
      },
      ref.id,
    );
    harness.works('pullPsa', reading.pass, psa.id);
    await harness.wake(ref);
    await Promise.all([pulling.reached, reading.reached]);
    if (last === 'pull') {
      // The need is met and its wake sent while the pull is still at work, which then blocks and is freed.
      reading.open();
      await harness.untilStep(ref, 'freshPsa', 'done');
      pulling.open();
      await harness.untilStep(ref, 'pullVendor', 'blocked');
      refuse = false;
      await harness.wake(ref);
    } else {
      pulling.open();
      await harness.untilStep(ref, 'pullVendor', 'blocked');
      refuse = false;
      await harness.wake(ref);
      await harness.untilStep(ref, 'pullVendor', 'done');
      reading.open();
    }
    await harness.untilStep(ref, 'close', 'done');
    await harness.untilClosed(ref);
    expect(await harness.effects(ref)).toEqual({ pullVendor: 1, checkComplete: 1, guard: 1, apply: 1, close: 1 });
    expect((await harness.row(ref)).dueAt).toBeNull();
  },
);
