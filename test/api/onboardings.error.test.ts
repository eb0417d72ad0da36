import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { seedOnboarding } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

test('a customer that is not new has no onboarding', async () => {
  const { one, admin } = harness;
  const path = `/v1/integrations/${one.integrationId}/accounts/${one.vendorAccount(1)}/onboarding`;
  const problem = await admin.problem(404, 'not-found', 'GET', path);
  expect(problem.detail).toContain('onboarding');
});

test('what is not blocked cannot be tried again', async () => {
  const { id, accountId } = await seedOnboarding(harness.one);
  const path = `/v1/integrations/${id}/accounts/${accountId}/onboarding/retry`;
  await harness.admin.problem(409, 'not-blocked', 'POST', path);
});

test('a page begins where the last one ended, and at no other place', async () => {
  const { admin } = harness;
  await seedOnboarding(harness.one);
  await seedOnboarding(harness.one);
  const first = await admin.good<{ items: { integrationId: string }[]; nextCursor: string }>(
    'GET',
    '/v1/onboardings?limit=1',
  );
  const second = await admin.good<typeof first>('GET', `/v1/onboardings?limit=1&cursor=${first.nextCursor}`);
  expect(second.items[0]?.integrationId).not.toBe(first.items[0]?.integrationId);
  await admin.problem(400, 'invalid-cursor', 'GET', '/v1/onboardings?cursor=Zm9v');
});
