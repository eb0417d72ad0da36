import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { DateTime } from 'luxon';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { finishStep } from '../../db/queries/process.ts';
import { findTemporalSchedule } from '../../db/queries/temporalSays.ts';
import { storeSchedule } from '../../db/queries/schedule.ts';
import { disconnectIntegration } from '../../db/queries/integration.ts';
import {
  calendarsOf,
  defaultSchedule,
  nextRuns,
  revisionOf,
  weekdays,
  type ScheduleChoice,
  type WantedSchedule,
} from '../../domain/schedule.ts';
import { ensureSyncSchedules, syncScheduleId } from '../../temporal/schedules.ts';
import { startHarness, type ProcessHarness } from '../kit/processHarness.ts';
import { until } from '../../dev/until.ts';

let harness: ProcessHarness;
/** Schedules that Temporal refused. */
const refused: string[] = [];

beforeAll(async () => {
  harness = await startHarness();
  harness.deps.ensureSchedules = (wanted) =>
    ensureSyncSchedules(harness.client, wanted, (scheduleId) => void refused.push(scheduleId));
});
afterAll(() => harness?.close());

const handleOf = (integrationId: string) => harness.client.schedule.getHandle(syncScheduleId(integrationId));
const isThere = (integrationId: string) =>
  handleOf(integrationId)
    .describe()
    .then(
      () => true,
      () => false,
    );

/** As each minute. */
const sweep = () => harness.sweep();

/** An integration that is connected to the end. */
async function connected(): Promise<string> {
  const id = await harness.integration(await harness.connection());
  await finishStep(harness.db, { kind: 'connect', id, round: '1', step: 'finish' });
  return id;
}

/** On the day on which the clock is set back the server (1.29) runs once more than it should, or once less. */
function isDayOfSetback(run: string, timeZone: string): boolean {
  const at = DateTime.fromISO(run, { zone: timeZone });
  return at.plus({ hours: 24 }).offset < at.offset || at.offset < at.minus({ hours: 24 }).offset;
}

test('what is computed as the next runs is what Temporal does, over clock changes, month ends and leap years', async () => {
  const hour = fc.integer({ min: 0, max: 23 }).map((n) => String(n).padStart(2, '0'));
  const at = fc.tuple(hour, fc.constantFrom('00', '30')).map(([h, m]) => `${h}:${m}`);
  // Where the clock is changed at 1, 2 or 3 o'clock, or never. Where it is changed at midnight (Havana, Cairo) the server
  // leaves out the first hour of that day.
  const zones = ['America/New_York', 'Europe/Berlin', 'Europe/London', 'Australia/Sydney', 'Asia/Kolkata', 'UTC'];
  const choices: fc.Arbitrary<ScheduleChoice> = fc.oneof(
    at.map((time) => ({ every: 'night' as const, at: time })),
    fc.record({ every: fc.constant('week' as const), on: fc.constantFrom(...weekdays), at }),
    fc.record({
      every: fc.constant('month' as const),
      on: fc.oneof(fc.integer({ min: 1, max: 31 }), fc.constant('last' as const)),
      at,
    }),
    fc.constantFrom({ cron: '*/30 0-3 * 3,10,11 *' }, { cron: '15 */5 * * 1-5' }, { cron: '0 2 29 2 *' }),
  );
  const from = new Date('2027-10-01T00:00:00Z');
  await fc.assert(
    fc.asyncProperty(choices, fc.constantFrom(...zones), async (choice, timeZone) => {
      const integrationId = randomUUID();
      const wanted: WantedSchedule = {
        ...{ integrationId, organizationId: harness.organizationId, choice, timeZone, jitterMinutes: 0, paused: true },
      };
      const before = refused.length;
      await ensureSyncSchedules(harness.client, [wanted], (scheduleId) => void refused.push(scheduleId));
      expect(refused.length).toBe(before);
      const answer = await harness.client.workflowService.listScheduleMatchingTimes({
        namespace: harness.client.options.namespace,
        scheduleId: syncScheduleId(integrationId),
        startTime: { seconds: (from.getTime() / 1000 + 1) as never },
        endTime: { seconds: (from.getTime() / 1000 + 395 * 86_400) as never },
      });
      const theirs = (answer.startTime ?? []).map((time) => new Date(Number(time.seconds) * 1000).toISOString());
      const ours = nextRuns({ choice, timeZone }, from, theirs.length + 10).map((run) => run.toISOString());
      const last = theirs.at(-1) ?? '';
      const usual = (runs: string[]) => runs.filter((run) => run <= last && !isDayOfSetback(run, timeZone));
      expect(usual(ours)).toEqual(usual(theirs));
      await handleOf(integrationId).delete();
    }),
    { numRuns: 40 },
  );
});

test('the sweep makes the Schedule that nobody chose, and makes it again when it is lost', async () => {
  const id = await connected();
  const unfinished = await harness.integration(await harness.connection());
  await sweep();
  const { spec, policies, state } = await handleOf(id).describe();
  expect(spec.calendars?.[0]).toMatchObject({ hour: [{ start: 3 }], minute: [{ start: 30 }] });
  expect(spec).toMatchObject({ timezone: 'UTC', jitter: 600_000 });
  expect(policies).toMatchObject({ overlap: 'SKIP', catchupWindow: 7 * 86_400_000 });
  expect(state.paused).toBe(false);
  expect(await isThere(unfinished)).toBe(false);
  await handleOf(id).delete();
  await sweep();
  expect(await isThere(id)).toBe(true);
});

test('a changed one is replaced, a paused one is paused, none is wanted any more: each as it was chosen', async () => {
  const id = await connected();
  await sweep();
  const chosen = {
    ...defaultSchedule('everyNight', 'Europe/Berlin'),
    choice: { every: 'month', on: 'last', at: '23:00' } as const,
  };
  await storeSchedule(harness.db, id, chosen);
  await sweep();
  const changed = await handleOf(id).describe();
  expect(changed.spec.calendars).toHaveLength(calendarsOf(chosen.choice).length);
  expect(changed.spec.timezone).toBe('Europe/Berlin');
  await storeSchedule(harness.db, id, { ...chosen, paused: true });
  await sweep();
  expect((await handleOf(id).describe()).state.paused).toBe(true);
  await storeSchedule(harness.db, id, { ...chosen, choice: { every: 'never' } });
  await sweep();
  expect(await isThere(id)).toBe(false);
});

test('one that is as wanted is left alone: paused in the Temporal UI it stays paused', async () => {
  const id = await connected();
  await sweep();
  const before = await handleOf(id).describe();
  await handleOf(id).pause('maintenance');
  await until('the list to know it', async () => {
    for await (const { scheduleId, state } of harness.client.schedule.list())
      if (scheduleId === syncScheduleId(id)) return state.paused;
    return false;
  });
  await sweep();
  const after = await handleOf(id).describe();
  expect(after.state.paused).toBe(true);
  expect(after.info.createdAt).toEqual(before.info.createdAt);
  const said = await findTemporalSchedule(harness.db, id);
  expect(said).toMatchObject({ paused: true, revision: revisionOf(defaultSchedule('everyNight', 'UTC')) });
  expect(said?.pausedSince).not.toBeNull();
  await handleOf(id).unpause();
  await until('it to be read that it goes on', async () => {
    await sweep();
    return (await findTemporalSchedule(harness.db, id))?.paused === false;
  });
  const { pausedSince, nextRuns: runs } = (await findTemporalSchedule(harness.db, id)) ?? {};
  expect(pausedSince).toBeNull();
  // With its jitter of up to ten minutes.
  expect(runs?.[0]).toMatch(/T03:(3\d|40)/);
});

test('triggered, it asks for one sync; of an integration disconnected meanwhile it asks for nothing, and then it is gone', async () => {
  const id = await connected();
  await sweep();
  await handleOf(id).trigger();
  const sync = { kind: 'sync' as const, id };
  await harness.untilStep(sync, 'close', 'done');
  await harness.untilClosed(sync);
  const requests = () => harness.db.query.syncRequest.findMany({ where: (row, { eq }) => eq(row.integrationId, id) });
  expect((await requests()).map((row) => row.requestedBy)).toEqual(['schedule']);
  await disconnectIntegration(harness.db, id);
  await handleOf(id).trigger();
  await until('it to have run', async () => (await handleOf(id).describe()).info.numActionsTaken === 2);
  expect(await requests()).toHaveLength(1);
  await sweep();
  expect(await isThere(id)).toBe(false);
});

test('one that Temporal refuses keeps the others from nothing', async () => {
  const bad = await connected();
  const good = await connected();
  await storeSchedule(harness.db, bad, defaultSchedule('everyNight', 'Nowhere/Land'));
  await sweep();
  expect(refused).toContain(syncScheduleId(bad));
  expect(await isThere(good)).toBe(true);
});
