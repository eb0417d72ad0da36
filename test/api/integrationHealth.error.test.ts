import { afterAll, beforeAll, expect, test } from 'vitest';
import { stepsOf } from '../../domain/process/steps.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { seedIntegration } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

test('a disconnected integration has no health', async () => {
  const id = await seedIntegration(harness.one, stepsOf.connect);
  await harness.admin.good('POST', `/v1/integrations/${id}/disconnect`);
  await harness.admin.problem(409, 'disconnected', 'GET', `/v1/integrations/${id}/health`);
  const { items } = await harness.admin.good<{ items: { integrationId: string }[] }>('GET', '/v1/health');
  expect(items.map((item) => item.integrationId)).not.toContain(id);
});
