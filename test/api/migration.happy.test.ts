import { afterAll, beforeAll, expect, test } from 'vitest';
import { findIntegration } from '../../db/queries/integration.ts';
import { stepsOf } from '../../domain/process/steps.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { mapOne, seedAlert, seedIntegration } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

interface View {
  modules: string[];
  process: { done: boolean };
  migration: { done: boolean; waitsFor: string; steps: { step: string; state: string }[] } | null;
}
const states = (view: View) => view.migration?.steps.map(({ step, state }) => [step, state]);

test('G30 it begins beside billing, and shows what it waits for; connect is as done as before', async () => {
  const id = await seedIntegration(harness.one, stepsOf.connect);
  const view = await harness.admin.good<View>('POST', `/v1/integrations/${id}/migration`);
  expect(view.modules).toEqual(['billing', 'alerts']);
  expect(view.migration?.waitsFor).toContain('Link customers');
  expect(states(view)).toEqual([
    ['requestMigration', 'done'],
    ['linkCustomers', 'waiting'],
    ['updateAccountMapping', 'waiting'],
    ['updateCounts', 'waiting'],
    ['checkPermissions', 'waiting'],
    ['chooseBoard', 'waiting'],
  ]);
  expect(harness.wakes.at(-1)).toMatchObject({ kind: 'migrateToAlerts', id });
});

test('G31 to G35 customers are linked and the mapping is declared complete, in that order', async () => {
  const id = await seedIntegration(harness.one, stepsOf.connect);
  await mapOne(harness.one, id);
  await harness.admin.good('POST', `/v1/integrations/${id}/migration`);
  const complete = `/v1/integrations/${id}/steps/updateAccountMapping/complete`;
  await harness.admin.problem(409, 'out-of-order', 'POST', complete);
  await harness.admin.good('POST', `/v1/integrations/${id}/customers/link`, { all: true });
  // One of them had not been linked in connect: it is a new customer now.
  const woken = harness.wakes.slice(-3).map((wake) => wake.kind);
  expect(woken.toSorted()).toEqual(['connect', 'migrateToAlerts', 'startOnboardings']);
  const view = await harness.admin.good<{ steps: { step: string; state: string }[] }>('POST', complete);
  expect(view.steps.slice(0, 4).map(({ state }) => state)).toEqual(['done', 'done', 'done', 'waiting']);
});

test('abandoned, it is billing alone and nothing is left over; it begins anew from the start', async () => {
  const id = await seedIntegration(harness.one, stepsOf.connect);
  await mapOne(harness.one, id);
  const mappings = async () => (await harness.dump())['account_mapping'];
  const before = await mappings();
  await harness.admin.good('POST', `/v1/integrations/${id}/migration`);
  await harness.admin.good('PUT', `/v1/integrations/${id}/board`, { boardId: `${harness.one.prefix}-board` });
  const parked = await seedAlert(harness.one, 'parked', { integrationId: id });
  const delivering = await seedAlert(harness.one, 'delivering', { integrationId: id });
  const view = await harness.admin.good<View>('POST', `/v1/integrations/${id}/migration/abandon`);
  expect(view.modules).toEqual(['billing']);
  expect(view.migration).toMatchObject({ done: true, waitsFor: null });
  expect((await findIntegration(harness.db, harness.one.organizationId, id))?.alerts).toEqual({});
  for (const alert of [parked, delivering])
    expect(await harness.admin.good('GET', `/v1/alerts/${alert}`)).toMatchObject({
      state: 'dismissed',
      reason: { code: 'migration_abandoned' },
    });
  expect(await mappings()).toEqual(before);
  const again = await harness.admin.good<View>('POST', `/v1/integrations/${id}/migration`);
  expect(again.migration?.waitsFor).toContain('Link customers');
  expect(states(again)?.filter(([, state]) => state === 'done')).toEqual([['requestMigration', 'done']]);
});
