import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startFound } from '../../commands/startOnboardings.ts';
import { remindOfOnboarding } from '../../commands/onboarding.ts';
import { readIntegration } from '../../db/queries/integration.ts';
import { onboardingProcess } from '../../domain/process/ids.ts';
import { reminderTimesOf } from '../../domain/reminders.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { seedOnboarding } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi({ env: { ONBOARDING_REMIND_MS: '7200000', ONBOARDING_ESCALATE_MS: '86400000' } });
});
afterAll(() => harness?.close());

interface Waiting {
  foundAt: string;
  remindsAt: string | null;
  escalatesAt: string | null;
  escalatedAt: string | null;
}
const path = (id: string) => `/v1/integrations/${id}/reminders`;
/** In how many minutes after it was found the customer is reminded of, and is a problem. */
async function minutesOf({ id, accountId }: { id: string; accountId: string }) {
  const waiting = await harness.admin.good<Waiting>('GET', `/v1/integrations/${id}/accounts/${accountId}/onboarding`);
  const since = (at: string | null) =>
    at === null ? null : Math.round((Date.parse(at) - Date.parse(waiting.foundAt)) / 60_000);
  return [since(waiting.remindsAt), since(waiting.escalatesAt)];
}

test("until somebody chooses, the installation's settings hold; they hold again on request", async () => {
  const of = await seedOnboarding(harness.one);
  const preset = { everyMinutes: 120, escalateAfterMinutes: 1_440, preset: true };
  expect(await harness.admin.good('GET', path(of.id))).toEqual(preset);
  const chosen = { everyMinutes: 30, escalateAfterMinutes: 90 };
  expect(await harness.admin.good('PUT', path(of.id), chosen)).toEqual({ ...chosen, preset: false });
  expect(await harness.admin.good('GET', path(of.id))).toEqual({ ...chosen, preset: false });
  expect(await harness.admin.good('PUT', path(of.id), { preset: true })).toEqual(preset);
});

test('a customer that waits already is reminded of by the new times, at once if they are over', async () => {
  const of = await seedOnboarding(harness.one);
  const from = harness.wakes.length;
  await harness.admin.good('PUT', path(of.id), { everyMinutes: 60, escalateAfterMinutes: 600 });
  expect(await minutesOf(of)).toEqual([60, 600]);
  expect(harness.wakes.slice(from).map(({ kind, id }) => `${kind} ${id}`)).toEqual([`startOnboardings ${of.id}`]);
  // The same once more moves nothing, and wakes nobody.
  await harness.admin.good('PUT', path(of.id), { everyMinutes: 60, escalateAfterMinutes: 600 });
  expect(harness.wakes.length).toBe(from + 1);
  // It is told when it becomes a problem, even if the next reminder were later.
  await harness.admin.good('PUT', path(of.id), { everyMinutes: 60, escalateAfterMinutes: 20 });
  expect(await minutesOf(of)).toEqual([20, 20]);
  await harness.db.execute(sql`
    update onboarding set found_at = now() - interval '2 hours' where integration_id = ${of.id}`);
  await harness.admin.good('PUT', path(of.id), { everyMinutes: 60, escalateAfterMinutes: 600 });
  expect(await minutesOf(of)).toEqual([120, 600]);
});

test('a customer that is found later, and each next reminder, go by what was chosen', async () => {
  const of = await seedOnboarding(harness.one);
  await harness.admin.good('PUT', path(of.id), { everyMinutes: 45, escalateAfterMinutes: 100 });
  const { db } = harness;
  const row = await readIntegration(db, of.id);
  const times = reminderTimesOf(row, harness.environment);
  await db.execute(sql`
    update onboarding set state = 'found', found_at = now() - interval '50 minutes' where integration_id = ${of.id}`);
  await db.transaction((tx) => startFound(tx, row, { max: 10, times }));
  // 45 minutes from now, 95 after it was found.
  expect(await minutesOf(of)).toEqual([95, 100]);
  const step = { ...onboardingProcess(row, of.accountId), round: '1', step: 'mapCustomer' } as const;
  const key = { integrationId: of.id, vendorAccountId: of.accountId };
  await db.transaction((tx) => remindOfOnboarding(tx, step, key, times));
  await db.execute(sql`update onboarding set found_at = now() - interval '99 minutes' where integration_id = ${of.id}`);
  await db.transaction((tx) => remindOfOnboarding(tx, step, key, times));
  expect(await minutesOf(of)).toEqual([100, 100]);
  await db.execute(
    sql`update onboarding set found_at = now() - interval '101 minutes' where integration_id = ${of.id}`,
  );
  await db.transaction((tx) => remindOfOnboarding(tx, step, key, times));
  // A problem now: nothing is to come but the next reminder.
  expect(await minutesOf(of)).toEqual([146, null]);
});
