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
/** The status and the code with which a request is refused. */
async function refusalOf(path: string): Promise<[number, string]> {
  const { status, body } = await harness.admin.call<{ code: string }>('GET', `${at()}/${path}`);
  return [status, body.code];
}

test('a cursor of another list, and one that nobody gave out, are refused', async () => {
  const places = ['1', '[]', '[0,1,"a",2]', '["0",1,"a",2,"b"]', '{"a":1}', '[0,1,"a",2,"b","c"]'];
  for (const place of places) {
    expect(await refusalOf(`accounts?order=seats&cursor=${encodeCursor(place)}`)).toEqual([400, 'invalid-cursor']);
    expect(await refusalOf(`psa-accounts?cursor=${encodeCursor(place)}`)).toEqual([400, 'invalid-cursor']);
  }
});

test('a search of one character, and an order that there is not, are refused', async () => {
  expect(await refusalOf('accounts?search=a')).toEqual([400, 'invalid-request']);
  expect(await refusalOf('psa-accounts?search=a')).toEqual([400, 'invalid-request']);
  expect(await refusalOf('accounts?order=name')).toEqual([400, 'invalid-request']);
});

test('a preview is refused for what the mapping itself would be refused for', async () => {
  const preview = `services/${service}/mapping-preview`;
  expect(await refusalOf(`${preview}?productId=nothing`)).toEqual([422, 'unknown-product']);
  expect(await refusalOf(`${preview}?productId=${harness.one.product('inactive')}`)).toEqual([422, 'inactive-product']);
  expect(await refusalOf(`${preview}?productId=${harness.one.product('bundle')}`)).toEqual([422, 'bundle-product']);
  expect(await refusalOf('services/nothing/mapping-preview')).toEqual([404, 'not-found']);
  expect(await refusalOf(`${preview}?productId=x&combine=multiply`)).toEqual([400, 'invalid-request']);
  expect(await refusalOf(`${preview}?${'productId=x&'.repeat(21)}`)).toEqual([400, 'invalid-request']);
});

test('a reason that is no text, or too long, is refused', async () => {
  const path = `${at()}/accounts/${harness.one.vendorAccount(1)}`;
  const { version } = await harness.admin.good<{ version: string }>('GET', path);
  for (const reason of ['', ' ', 7, 'x'.repeat(501)])
    expect(
      await harness.admin.problem(400, 'invalid-request', 'PUT', `${path}/exclusion?seen=${version}`, { reason }),
    ).toMatchObject({ errors: [{ field: 'reason' }] });
});

test('there is nothing to map to before the PSA has been read', async () => {
  const { psaConnectionId } = harness.other;
  await harness.db.execute(sql`update psa_connection set refreshed_at = null where id = ${psaConnectionId}`);
  const other = harness.as(harness.other.tokens.read);
  await other.problem(409, 'not-read-yet', 'GET', `/v1/integrations/${harness.other.integrationId}/psa-accounts`);
});
