import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeCursor } from '../../api/define.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { service } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

const at = () => `/v1/integrations/${harness.one.integrationId}`;
const refused = (status: number, code: string, path: string) =>
  harness.admin.problem(status, code, 'GET', `${at()}/${path}`);

test('a cursor of another list, and one that nobody gave out, are refused', async () => {
  const places = ['1', '[]', '[0,1,"a",2]', '["0",1,"a",2,"b"]', '{"a":1}', '[0,1,"a",2,"b","c"]'];
  for (const place of places) {
    await refused(400, 'invalid-cursor', `accounts?order=seats&cursor=${encodeCursor(place)}`);
    await refused(400, 'invalid-cursor', `psa-accounts?cursor=${encodeCursor(place)}`);
  }
});

test('a search of one character, and an order that there is not, are refused', async () => {
  await refused(400, 'invalid-request', 'accounts?search=a');
  await refused(400, 'invalid-request', 'psa-accounts?search=a');
  await refused(400, 'invalid-request', 'accounts?order=name');
});

test('a preview is refused for what the mapping itself would be refused for', async () => {
  const preview = `services/${service}/mapping-preview`;
  await refused(422, 'unknown-product', `${preview}?productId=nothing`);
  await refused(422, 'inactive-product', `${preview}?productId=${harness.one.product('inactive')}`);
  await refused(422, 'bundle-product', `${preview}?productId=${harness.one.product('bundle')}`);
  await refused(404, 'not-found', 'services/nothing/mapping-preview');
  await refused(400, 'invalid-request', `${preview}?productId=x&combine=multiply`);
  await refused(400, 'invalid-request', `${preview}?${'productId=x&'.repeat(21)}`);
});

test('a reason that is no text, or too long, is refused', async () => {
  const path = `${at()}/accounts/${harness.one.vendorAccount(1)}`;
  const { version } = await harness.admin.good<{ version: string }>('GET', path);
  for (const reason of ['', ' ', 7, 'x'.repeat(501)])
    await harness.admin.problem(400, 'invalid-request', 'PUT', `${path}/exclusion?seen=${version}`, { reason });
});

test('there is nothing to map to before the PSA has been read', async () => {
  const { psaConnectionId } = harness.other;
  await harness.db.execute(sql`update psa_connection set refreshed_at = null where id = ${psaConnectionId}`);
  const other = harness.as(harness.other.tokens.read);
  await other.problem(409, 'not-read-yet', 'GET', `/v1/integrations/${harness.other.integrationId}/psa-accounts`);
});
