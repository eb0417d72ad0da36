import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { numbers, seedIntegration, stepsBefore } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

const good = () => ({
  vendor: 'mailprotector',
  psaConnectionId: harness.one.psaConnectionId,
  intake: 'pull',
  modules: ['billing'],
  viaVirtualAdministrator: false,
});

test.each([
  [
    'G02 a reseller who buys through Virtual Administrator',
    { viaVirtualAdministrator: true },
    422,
    'virtual-administrator',
  ],
  ['a vendor nobody knows', { vendor: 'toString' }, 422, 'unknown-vendor'],
  ['no module', { modules: [] }, 400, 'invalid-request'],
  [
    'no answer to the question of Virtual Administrator',
    { viaVirtualAdministrator: undefined },
    400,
    'invalid-request',
  ],
])('%s is refused with that reason, and nothing is made', async (_, change, status, code) => {
  const before = await harness.dump();
  await harness.admin.problem(status, code, 'POST', '/v1/integrations', { ...good(), ...change });
  expect(await harness.dump()).toEqual(before);
});

test('G02 the reason for refusing Virtual Administrator is said in the words of the guide', async () => {
  const problem = await harness.admin.problem(422, 'virtual-administrator', 'POST', '/v1/integrations', {
    ...good(),
    viaVirtualAdministrator: true,
  });
  expect(problem.detail).toContain('Virtual Administrator');
});

test.each([
  ['an id that is no number', { resellerId: 'acme' }, 'resellerId'],
  ['a key that is too short', { apiKey: 'x' }, 'apiKey'],
  ['a setting nobody knows', { settings: { countby: 'users' } }, 'settings.'],
  ['a setting of another kind', { settings: { countBy: 1 } }, 'settings.countBy'],
  ['a swing limit nobody knows', { settings: { swing: { percent: 3 } } }, 'settings.swing'],
])('vendor credentials with %s are refused, naming the field; the old ones stay', async (_, change, field) => {
  const path = `/v1/integrations/${harness.one.integrationId}/vendor-credentials`;
  const before = await harness.dump();
  const problem = await harness.admin.problem(422, 'invalid-credentials', 'PUT', path, {
    resellerId: '500',
    apiKey: 'a-secret-that-is-not-repeated',
    ...change,
  });
  expect(problem.errors?.[0]?.field).toBe(field);
  expect(JSON.stringify(problem)).not.toContain('a-secret');
  expect(await harness.dump()).toEqual(before);
});

test('customers are refused until they were read from the vendor', async () => {
  const id = await seedIntegration(harness.one, stepsBefore('verifyCredentials'));
  await harness.admin.problem(409, 'not-read-yet', 'GET', `/v1/integrations/${id}/customers`);
  await harness.admin.problem(409, 'not-read-yet', 'POST', `/v1/integrations/${id}/customers/link`, { all: true });
});

test('a link that names one unknown customer links none', async () => {
  const id = await seedIntegration(harness.one, stepsBefore('linkCustomers'));
  const before = await harness.dump();
  const ids = [harness.one.vendorAccount(numbers.notLinked), 'unknown-1'];
  const path = `/v1/integrations/${id}/customers/link`;
  const problem = await harness.admin.problem(422, 'unknown-customers', 'POST', path, { ids });
  expect(problem.detail).toContain('unknown-1');
  await harness.admin.problem(400, 'invalid-request', 'POST', path, { ids: [] });
  await harness.admin.problem(400, 'invalid-request', 'POST', path, {});
  expect(await harness.dump()).toEqual(before);
});
