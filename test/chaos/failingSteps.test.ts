import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConnectorError } from '../../connectors/errors.ts';
import type { ProcessRef } from '../../db/queries/process.ts';
import { startHarness, type ProcessHarness, type Work } from '../kit/processHarness.ts';
import { until } from '../../dev/until.ts';

const gapMs = 1_000;
const limitMs = 1_500;
const retryMs = 1_200;
let harness: ProcessHarness;

beforeAll(async () => {
  harness = await startHarness({
    env: {
      BLOCKED_GAP_MS: String(gapMs),
      TRANSIENT_LIMIT_MS: String(limitMs),
      UNREACHABLE_RETRY_MS: String(retryMs),
      ATTEMPT_MS: '2000',
    },
    wrap: (real) => ({
      // A need that cannot be registered for a while, long after a step would be blocked.
      registerNeed: async (input) => {
        if (input.kind === 'sync' && Date.now() < needsFailUntil) throw new Error('The database is not itself.');
        return real.registerNeed(input);
      },
      park: async (input) => {
        const parked = await real.park(input);
        parks.push(input.id);
        return parked;
      },
    }),
  });
});
afterAll(() => harness?.close());

let needsFailUntil = 0;
/** Ids of processes, one for each time one was parked or tried to be. */
const parks: string[] = [];

const refused: Work = () =>
  Promise.reject(new ConnectorError({ kind: 'permanent', code: 'forbidden', detail: 'Not allowed.' }));
const away = (retryAfterMs?: number): Work => {
  const error = { kind: 'transient' as const, code: 'upstream' as const, detail: 'Away.', retryAfterMs };
  return () => Promise.reject(new ConnectorError(error));
};

async function batch(step: 'write' | 'settle' | 'close', work: Work): Promise<ProcessRef> {
  const ref = { kind: 'approveUsage' as const, id: await harness.batch() };
  harness.works(step, work, ref.id);
  await harness.wake(ref);
  return ref;
}

const times = (ref: ProcessRef, step: string) =>
  harness.attempts.filter((attempt) => attempt.id === ref.id && attempt.step === step).map((attempt) => attempt.at);

test(
  'a storm of wakes tries a blocked step once in a gap, and its history stays bounded',
  { timeout: 180_000 },
  async () => {
    const ref = await batch('close', refused);
    await harness.untilStep(ref, 'close', 'blocked');
    const handle = harness.client.workflow.getHandle(`approve/${ref.id}`);
    const first = (await handle.describe()).runId;
    const began = Date.now();
    // Sent past our own waker, which would make them few. Wave after wave, until the history is a long one.
    let sent = 0;
    for (let length = 0; length < 1_500; ) {
      await Promise.all(Array.from({ length: 200 }, () => handle.signal('wake')));
      sent += 200;
      const { historyLength, runId } = await handle.describe();
      length = runId === first ? historyLength : Number.POSITIVE_INFINITY;
    }
    expect(sent).toBeGreaterThanOrEqual(600);
    await until('the wakes to be tried', () => times(ref, 'close').length > 1);
    const storm = Date.now() - began;
    const tries = times(ref, 'close');
    expect(tries.length).toBeLessThanOrEqual(2 + storm / gapMs);
    for (const [at, time] of tries.slice(1).entries()) {
      // Measured from the moment it was blocked, which is after the try began: a gap between two tries is never shorter.
      expect(time - (tries[at] ?? 0)).toBeGreaterThanOrEqual(gapMs);
    }

    // The wakes that are left make it look once more, and then it leaves that history behind.
    await until('the long history to be left behind', async () => (await handle.describe()).runId !== first);
    const runs = await harness.runs(ref);
    for (const run of runs) expect(run.events.length).toBeLessThan(5_000);
    for (const run of runs.slice(1)) {
      expect(run.status).toBe('CONTINUED_AS_NEW');
      // It carries nothing but whom it is for.
      const started = run.events[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
      const next = run.events.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.input?.payloads ?? [];
      expect(next).toEqual(started);
      expect(Buffer.from(next[0]?.data ?? []).toString()).toBe(JSON.stringify({ batchId: ref.id }));
    }

    // The run that goes on says that it is blocked, and takes it back once it is not.
    const attributes = async () => (await handle.describe()).searchAttributes;
    await harness.untilStep(ref, 'close', 'blocked');
    expect(await attributes()).toMatchObject({ Blocked: [true], Problem: ['forbidden'] });
    harness.works('close', async () => undefined, ref.id);
    await harness.wake(ref);
    await harness.untilClosed(ref);
    expect((await attributes())['Blocked']).toEqual([false]);
    // Unset; the server lists it as null in a run that carried it over.
    expect((await attributes())['Problem']?.[0] ?? null).toBeNull();
    expect(await harness.effects(ref)).toEqual({ write: 1, settle: 1, close: 1 });
  },
);

test('a thousand wakes at once through our own waker are two Signals', async () => {
  const ref = await batch('close', refused);
  await harness.untilStep(ref, 'close', 'blocked');
  const whom = { ...ref, organizationId: harness.organizationId, integrationId: null };
  await Promise.all(Array.from({ length: 1_000 }, () => harness.deps.wake(whom)));
  harness.works('close', async () => undefined, ref.id);
  await harness.wake(ref);
  // Closed: a Signal that comes while a workflow task is at work is in the history only after that.
  await harness.untilClosed(ref);
  const signals = (await harness.runs(ref))
    .flatMap((run) => run.events)
    .filter((event) => event.workflowExecutionSignaledEventAttributes);
  // The first that started it, the thousand, and the one that freed it.
  expect(signals).toHaveLength(1 + 2 + 1);
});

test('a step that fails in passing is tried again with a pause that grows, and succeeds', async () => {
  let tries = 0;
  const ref = await batch('close', async (step) => (++tries < 4 ? away()(step) : undefined));
  await harness.untilClosed(ref);
  expect(tries).toBe(4);
  const [first = 0, second = 0, third = 0, fourth = 0] = times(ref, 'close');
  expect(second - first).toBeGreaterThanOrEqual(20);
  expect(third - second).toBeGreaterThanOrEqual(40);
  expect(fourth - third).toBeGreaterThanOrEqual(80);
});

test.for(['write', 'close'] as const)(
  'a %s that keeps failing in passing is unreachable after the limit, and tries again by itself',
  async (step) => {
    let away503 = true;
    const ref = await batch(step, (attempt) => (away503 ? away()(attempt) : Promise.resolve()));
    const blocked = await harness.untilStep(ref, step, 'blocked');
    expect(blocked.problem?.code).toBe('unreachable');
    const tries = times(ref, step);
    expect((tries.at(-1) ?? 0) - (tries[0] ?? 0)).toBeGreaterThanOrEqual(limitMs * 0.9);
    expect(tries.length).toBeGreaterThan(1);
    expect(blocked.retryAt).not.toBeNull();
    // Parked until its own timer, so that the sweep comes if the timer does not.
    await until('the process to be parked', async () => {
      const { dueAt } = await harness.row(ref);
      return dueAt && Math.abs(dueAt.getTime() - (blocked.retryAt?.getTime() ?? 0)) < 1_000;
    });
    away503 = false;
    // Nobody sends a wake.
    await harness.untilClosed(ref);
    expect(await harness.effects(ref)).toEqual({ write: 1, settle: 1, close: 1 });
    expect((times(ref, step).at(-1) ?? 0) - (tries.at(-1) ?? 0)).toBeGreaterThanOrEqual(retryMs);
  },
);

test.for([
  { words: 'beyond the limit and its own time', retryAfterMs: 3_600_000 },
  { words: 'of more days than an integer has milliseconds', retryAfterMs: 40 * 86_400_000 },
])('a Retry-After $words blocks at once, until then', async ({ retryAfterMs }) => {
  const ref = await batch('close', away(retryAfterMs));
  const blocked = await harness.untilStep(ref, 'close', 'blocked');
  expect(times(ref, 'close')).toHaveLength(1);
  expect(blocked.problem?.code).toBe('unreachable');
  const inMs = (blocked.retryAt?.getTime() ?? 0) - Date.now();
  expect(inMs).toBeGreaterThan(retryAfterMs - 60_000);
  expect(inMs).toBeLessThanOrEqual(retryAfterMs);
  await until('the Temporal UI to say so', async () => (await harness.details(ref)).includes('unreachable'));
  // A wake tries at once all the same.
  harness.works('close', async () => undefined, ref.id);
  await harness.wake(ref);
  await harness.untilClosed(ref);
});

test('a Retry-After shorter than its own time does not shorten that', async () => {
  const ref = await batch('close', away(limitMs + 1));
  const blocked = await harness.untilStep(ref, 'close', 'blocked');
  expect((blocked.retryAt?.getTime() ?? 0) - (times(ref, 'close')[0] ?? 0)).toBeGreaterThanOrEqual(limitMs);
});

test.for(['write', 'close'] as const)(
  'a time-out alone blocks nothing: a %s that nobody answered for runs again',
  async (step) => {
    let tries = 0;
    const ref = await batch(step, async () => {
      // Longer than an attempt may take: Temporal gives it up.
      if (++tries === 1) await delay(4_000);
    });
    await until('the second try', () => tries > 1);
    await harness.untilClosed(ref);
    expect(await harness.effects(ref)).toEqual({ write: 1, settle: 1, close: 1 });
    for (const run of await harness.runs(ref)) {
      const activities = run.events.map((event) => event.activityTaskScheduledEventAttributes?.activityType?.name);
      expect(activities).not.toContain('block');
    }
  },
);

test('a need that cannot be registered for longer than the limit neither blocks the step nor ends the workflow', async () => {
  needsFailUntil = Date.now() + 3 * limitMs;
  const ref = { kind: 'sync' as const, id: await harness.integration(await harness.connection()) };
  await harness.askSync(ref.id);
  await harness.wake(ref);
  await harness.untilStep(ref, 'close', 'done');
  await harness.untilClosed(ref);
  expect((await harness.runs(ref)).map((run) => run.status)).toEqual(['COMPLETED']);
});

test('credentials given while the old ones are being tried are tried even if their wake is lost', async () => {
  const ref = await batch('close', async () => {
    await harness.fact(ref);
    throw new ConnectorError({ kind: 'permanent', code: 'bad_credentials', detail: 'Not these.' });
  });
  await harness.untilStep(ref, 'close', 'blocked');
  await until('the process to be parked', () => parks.includes(ref.id));
  await until('the park to be over', async () => (await harness.details(ref)).includes('bad_credentials'));
  expect(await harness.isParked(ref), 'due: the sweep will wake it').toBe(false);
});
