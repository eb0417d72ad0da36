import { afterAll, beforeAll, expect, test } from 'vitest';
import { stepsOf } from '../../domain/process/steps.ts';
import { storeSchedules } from '../../db/queries/temporalSays.ts';
import { defaultSchedule, revisionOf } from '../../domain/schedule.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { seedIntegration } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi({ env: { DEFAULT_TIME_ZONE: 'Europe/Berlin' } });
});
afterAll(() => harness?.close());

interface View {
  choice: Record<string, unknown>;
  timeZone: string;
  jitterMinutes: number;
  paused: boolean;
  pausedInTemporal: boolean;
  preset: boolean;
  nextRuns: string[];
  warnings: { code: string }[];
}
const path = (id: string) => `/v1/integrations/${id}/schedule`;

test('until somebody chooses it is every night at 03:30, and says so', async () => {
  const id = await seedIntegration(harness.one, stepsOf.connect);
  const view = await harness.admin.good<View>('GET', path(id));
  expect(view).toMatchObject({
    choice: { every: 'night', at: '03:30' },
    timeZone: 'Europe/Berlin',
    jitterMinutes: 10,
    paused: false,
    preset: true,
    warnings: [],
  });
  expect(view.nextRuns).toHaveLength(5);
  expect(view.nextRuns.every((run) => /T0[12]:30:00/.test(run))).toBe(true);
});

test('a choice with its presets, and with what one would not expect of it', async () => {
  const id = await seedIntegration(harness.one, stepsOf.connect);
  const month = await harness.admin.good<View>('PUT', path(id), { choice: { every: 'month' } });
  expect(month).toMatchObject({
    choice: { every: 'month', on: 1, at: '03:30' },
    timeZone: 'Europe/Berlin',
    preset: false,
  });
  const body = { choice: { every: 'month', on: 31 }, timeZone: 'America/New_York', jitterMinutes: 0 };
  const end = await harness.admin.good<View>('PUT', path(id), body);
  expect(end.warnings.map((warning) => warning.code)).toContain('missing_day');
  expect(await harness.admin.good('GET', path(id))).toEqual(end);
});

test('a cron, and a pause: paused it has no next run', async () => {
  const id = await seedIntegration(harness.one, stepsOf.connect);
  const cron = await harness.admin.good<View>('PUT', path(id), { choice: { cron: '0 */6 * * *' } });
  expect(cron.nextRuns).toHaveLength(5);
  const paused = await harness.admin.good<View>('PUT', path(id), { choice: { cron: '0 */6 * * *' }, paused: true });
  expect(paused).toMatchObject({ paused: true, nextRuns: [] });
});

test('what Temporal says holds: a pause made there, and the next runs of the Schedule that was made of this choice', async () => {
  const id = await seedIntegration(harness.one, stepsOf.connect);
  const nightly = defaultSchedule('everyNight', 'Europe/Berlin');
  const said = { scheduleId: `sync/${id}`, integrationId: id, revision: revisionOf(nightly), paused: true };
  await storeSchedules(harness.db, [{ ...said, nextRuns: [] }]);
  expect(await harness.admin.good('GET', path(id))).toMatchObject({
    paused: false,
    pausedInTemporal: true,
    nextRuns: [],
  });
  const jittered = new Date(Date.now() + 3_600_000).toISOString();
  await storeSchedules(harness.db, [{ ...said, paused: false, nextRuns: ['2020-01-01T03:30:00.000Z', jittered] }]);
  const view = await harness.admin.good<View>('GET', path(id));
  expect(view).toMatchObject({ pausedInTemporal: false, nextRuns: [jittered] });
  const health = await harness.admin.good<{ nextSyncAt: string }>('GET', `/v1/integrations/${id}/health`);
  expect(health.nextSyncAt).toBe(jittered);
  // Chosen anew a moment ago, Temporal has the old one yet.
  const chosen = await harness.admin.good<View>('PUT', path(id), { choice: { cron: '0 */6 * * *' } });
  expect(chosen.nextRuns).toHaveLength(5);
  expect(chosen.nextRuns).not.toContain(jittered);
});
