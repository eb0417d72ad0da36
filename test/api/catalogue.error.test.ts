import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

test('a page of the audit that is too large is refused, and names the field', async () => {
  const problem = await harness.admin.problem(400, 'invalid-request', 'GET', '/v1/audit?limit=1000');
  expect(problem.errors).toMatchObject([{ field: 'limit' }]);
});

test('PSAs cannot be changed', async () => {
  await harness.admin.problem(404, 'no-route', 'POST', '/v1/psas', {});
});

test('vendors cannot be changed', async () => {
  await harness.admin.problem(404, 'no-route', 'POST', '/v1/vendors', {});
});
