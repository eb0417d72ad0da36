import { afterAll, beforeAll, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

test('PSAs cannot be changed', async () => {
  await harness.admin.problem(405, 'method-not-allowed', 'POST', '/v1/psas', {});
});

test('vendors cannot be changed', async () => {
  await harness.admin.problem(405, 'method-not-allowed', 'POST', '/v1/vendors', {});
});
