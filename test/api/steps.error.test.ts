import { afterAll, beforeAll, expect, test } from 'vitest';
import { deleteAccountMapping, deleteServiceMapping } from '../kit/mappings.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { mapOne, seedIntegration, service, stepsBefore } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

const complete = (id: string, step: string) => `/v1/integrations/${id}/steps/${step}/complete`;

test('steps are completed in order', async () => {
  const id = await seedIntegration(harness.one, stepsBefore('linkCustomers'));
  await mapOne(harness.one, id);
  const problem = await harness.admin.problem(409, 'out-of-order', 'POST', complete(id, 'mapServices'));
  expect(problem.detail).toContain('"Link customers" comes first');
  await harness.admin.problem(409, 'out-of-order', 'POST', complete(id, 'finish'));
});

test('mapping is not complete, nor finished, before one account and one service are mapped', async () => {
  const id = await seedIntegration(harness.one, stepsBefore('mapAccounts'));
  await harness.admin.problem(409, 'nothing-mapped', 'POST', complete(id, 'mapAccounts'));
  await mapOne(harness.one, id);
  await harness.admin.good('POST', complete(id, 'mapAccounts'));
  await deleteServiceMapping(harness.db, id, service);
  await harness.admin.problem(409, 'nothing-mapped', 'POST', complete(id, 'mapServices'));
  await mapOne(harness.one, id);
  await harness.admin.good('POST', complete(id, 'mapServices'));
  await deleteAccountMapping(harness.db, id, harness.one.vendorAccount(1));
  await harness.admin.problem(409, 'nothing-mapped', 'POST', complete(id, 'finish'));
});

test('a step that completes by itself, or is none, cannot be declared complete', async () => {
  const id = await seedIntegration(harness.one, stepsBefore('verifyCredentials'));
  await harness.admin.problem(409, 'not-yours-to-complete', 'POST', complete(id, 'verifyCredentials'));
  for (const step of ['nothing', 'constructor', 'pullVendor'])
    await harness.admin.problem(404, 'not-found', 'POST', complete(id, step));
});

test('only a blocked step is retried', async () => {
  const id = await seedIntegration(harness.one, stepsBefore('verifyCredentials'));
  const before = await harness.dump();
  const retry = (step: string) => `/v1/integrations/${id}/steps/${step}/retry`;
  const problem = await harness.admin.problem(409, 'not-blocked', 'POST', retry('verifyCredentials'));
  expect(problem.detail).toContain('"Try the vendor credentials" is waiting');
  await harness.admin.problem(409, 'not-blocked', 'POST', retry('credentials'));
  // No sync has begun, so it has no steps.
  await harness.admin.problem(404, 'not-found', 'POST', retry('pullVendor'));
  await harness.admin.problem(404, 'not-found', 'POST', retry('nothing'));
  expect(await harness.dump()).toEqual(before);
});
