import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from 'drizzle-orm';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { numbers } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

const accounts = () => `/v1/integrations/${harness.one.integrationId}/accounts`;
const services = () => `/v1/integrations/${harness.one.integrationId}/services`;

test('a PSA account that was not read cannot be mapped to', async () => {
  const before = await harness.dump();
  const account = `${accounts()}/${harness.one.vendorAccount(1)}`;
  const path = `${account}/mapping?seen=any`;
  const { version } = await harness.admin.good<{ version: string }>('GET', account);
  const seen = `${account}/mapping?seen=${version}`;
  await harness.admin.problem(422, 'unknown-psa-account', 'PUT', seen, { psaAccountId: 'nothing' });
  await harness.admin.problem(400, 'invalid-request', 'PUT', path, { psaAccountId: '' });
  await harness.admin.problem(400, 'invalid-request', 'PUT', path, {});
  expect(await harness.dump()).toEqual(before);
});

test('a customer that is not linked cannot be mapped or excluded', async () => {
  const path = `${accounts()}/${harness.one.vendorAccount(numbers.notLinked)}`;
  const body = { psaAccountId: harness.one.psaAccount(1) };
  await harness.admin.problem(409, 'not-linked', 'PUT', `${path}/mapping?seen=any`, body);
  await harness.admin.problem(409, 'not-linked', 'PUT', `${path}/exclusion?seen=any`);
});

test('a customer or service nobody has is not found', async () => {
  await harness.admin.problem(404, 'not-found', 'GET', `${accounts()}/nobody/suggestions`);
  await harness.admin.problem(404, 'not-found', 'DELETE', `${accounts()}/nobody/mapping?seen=any`);
  await harness.admin.problem(404, 'not-found', 'DELETE', `${services()}/nothing/mapping?seen=any`);
});

test.each([
  ['unknown-product', 'nothing'],
  ['inactive-product', 'one-product-inactive'],
  ['bundle-product', 'one-product-bundle'],
  ['unknown-product', `a "quoted" product's id; --`],
])('%s: a service is not mapped to %s, nor to any beside it', async (code, productId) => {
  const before = await harness.dump();
  const { version } = await harness.admin.good<{ version: string }>('GET', `${services()}/CloudFilter`);
  await harness.admin.problem(422, code, 'PUT', `${services()}/CloudFilter/mapping?seen=${version}`, {
    productIds: [harness.one.product('other'), productId],
    combine: 'add',
  });
  expect(await harness.dump()).toEqual(before);
});

test('suggestions are refused until the PSA was read', async () => {
  await harness.db.execute(
    sql`update psa_connection set refreshed_at = null where id = ${harness.other.psaConnectionId}`,
  );
  const path = `/v1/integrations/${harness.other.integrationId}/accounts/${harness.other.vendorAccount(1)}/suggestions`;
  await harness.as(harness.other.tokens.read).problem(409, 'not-read-yet', 'GET', path);
});
