import { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { register } from 'prom-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConnectorError } from '../../connectors/errors.ts';
import { until } from '../../dev/until.ts';
import { startHarness, type ProcessHarness, type Work } from '../kit/processHarness.ts';

let harness: ProcessHarness;
const logged: { activity: string; attempt: number; timedOut?: number; workflowId: string; msg: string }[] = [];

beforeAll(async () => {
  harness = await startHarness({
    env: { ATTEMPT_MS: '1000', FIRST_RETRY_MS: '10', MAX_RETRY_MS: '20', TRANSIENT_LIMIT_MS: '600000' },
  });
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      logged.push(JSON.parse(chunk.toString()));
      done();
    },
  });
  harness.deps.logger = pino({ level: 'error' }, stream);
});
afterAll(() => harness?.close());

async function count(activity: string, why: string): Promise<number> {
  const found = await register.getSingleMetric('countersign_activity_alarms_total')?.get();
  return found?.values.find(({ labels }) => labels['activity'] === activity && labels['why'] === why)?.value ?? 0;
}

/** Drives one batch whose attempts at a step end as told, one after another, and the next one well. */
async function drive(step: 'write' | 'settle' | 'close', ends: readonly Work[]) {
  const ref = { kind: 'approveUsage' as const, id: await harness.batch() };
  let attempts = 0;
  harness.works(step, async (at) => ends[attempts++]?.(at), ref.id);
  await harness.wake(ref);
  await until('the process to end', async () => (await harness.steps(ref)).every(({ state }) => state === 'done'));
  await harness.untilClosed(ref);
  expect(attempts).toBe(ends.length + 1);
  return logged.filter(({ workflowId, msg }) => workflowId === `approve/${ref.id}` && msg.startsWith('alarm'));
}

const fails: Work = () =>
  Promise.reject(new ConnectorError({ kind: 'transient', code: 'upstream', detail: 'It is away.' }));
/** Longer than an attempt may take, and then nobody hears it. */
const hangs: Work = async () => {
  await delay(1_800);
  throw new Error('It was given up long ago.');
};
const times = (n: number, work: Work) => Array.from({ length: n }, () => work);

test('twenty-five attempts are no alarm, and the next one is', { timeout: 180_000 }, async () => {
  const alarms = await drive('close', times(27, fails));
  expect(alarms.map(({ activity, attempt }) => ({ activity, attempt }))).toEqual([
    { activity: 'closeApproval', attempt: 26 },
    { activity: 'closeApproval', attempt: 27 },
    { activity: 'closeApproval', attempt: 28 },
  ]);
  expect(await count('closeApproval', 'attempts')).toBe(3);
  expect(await count('closeApproval', 'timeouts')).toBe(0);
});

test.for([
  { step: 'write', activity: 'writeLines', what: 'an activity that Temporal may not repeat by itself' },
  { step: 'close', activity: 'closeApproval', what: 'an activity that Temporal repeats' },
] as const)(
  'three time-outs in a row of $what are an alarm, and an answer between them is none',
  { timeout: 180_000 },
  async ({ step, activity }) => {
    expect(await drive(step, [hangs, hangs, fails, hangs, hangs])).toEqual([]);
    expect(await count(activity, 'timeouts')).toBe(0);
    const alarms = await drive(step, times(3, hangs));
    expect(alarms).toMatchObject([{ activity, timedOut: 3 }]);
    expect(await count(activity, 'timeouts')).toBe(1);
  },
);

test('an attempt that is told to wait has answered', { timeout: 180_000 }, async () => {
  const pauses: Work = () =>
    Promise.reject(
      new ConnectorError({ kind: 'throttled', code: 'throttled', detail: 'A pause.', retryAfterMs: 5_001 }),
    );
  expect(await drive('settle', [hangs, hangs, pauses, hangs])).toEqual([]);
});
