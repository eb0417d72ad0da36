import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { psaCredentials } from '../kit/apiSamples.ts';
import { seedHeldRefresh } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

const create = '/v1/psa-connections';
const body = { ...psaCredentials, name: 'X' };
const change = (more: object) => ({ ...body, credentials: { ...psaCredentials.credentials, ...more } });

test('a PSA that Countersign does not know is named with those it does', async () => {
  const problem = await harness.admin.problem(422, 'unknown-psa', 'POST', create, { ...body, kind: '__proto__' });
  expect(problem.detail).toContain('connectwise');
});

test('credentials that expire on a day that is past are refused, naming the day', async () => {
  const problem = await harness.admin.problem(400, 'invalid-request', 'POST', create, {
    ...body,
    expiresOn: '2026-01-01',
  });
  expect(problem.errors).toEqual([{ field: 'expiresOn', message: 'is past' }]);
});

test.each([
  ['a missing field', change({ privateKey: undefined }), 'credentials.privateKey'],
  ['an unknown field', change({ more: 1 }), 'credentials.'],
  ['a key with a separator in it', change({ publicKey: 'a:b' }), 'credentials.publicKey'],
])('credentials with %s are refused, naming the field and no value', async (_, sent, field) => {
  const before = await harness.dump();
  const problem = await harness.admin.problem(422, 'invalid-credentials', 'POST', create, sent);
  expect(problem.errors?.[0]?.field).toBe(field);
  expect(JSON.stringify(problem)).not.toContain('a:b');
  expect(await harness.dump()).toEqual(before);
});

test.each([
  'localhost',
  '10.0.0.1',
  'http://na.myconnectwise.net',
  'na.myconnectwise.net/x',
  'user@na.myconnectwise.net',
  'x.internal',
  '[::1]',
])('the site %s is refused: credentials are sent to public hosts only', async (site) => {
  await harness.admin.problem(422, 'invalid-credentials', 'POST', create, change({ site }));
});

test.each([
  [{ quantityDecimals: 5 }, 'quantityDecimals'],
  [{ quantityDecimals: -1 }, 'quantityDecimals'],
  [{ quantityDecimals: 1.5 }, 'quantityDecimals'],
  [{ quantityDecimals: '2' }, 'quantityDecimals'],
  [{ quantityDecimals: null }, 'quantityDecimals'],
  [{ decimals: 2 }, ''],
  // The PSA offers no such source.
  [{ ticketSource: 'one-none' }, 'ticketSource'],
])('the settings %j are refused, when a PSA is connected and later', async (settings, field) => {
  const before = await harness.dump();
  const made = await harness.admin.problem(422, 'invalid-settings', 'POST', create, { ...body, settings });
  expect(made.errors?.[0]?.field).toBe(`settings.${field}`);
  const path = `${create}/${harness.one.psaConnectionId}/settings`;
  const put = await harness.admin.problem(422, 'invalid-settings', 'PUT', path, settings);
  expect(put.errors?.[0]?.field).toBe(field);
  expect(await harness.dump()).toEqual(before);
});

test('credentials for another PSA than the connection is to are refused', async () => {
  const path = `${create}/${harness.one.psaConnectionId}/credentials`;
  await harness.admin.problem(422, 'other-psa', 'PUT', path, { ...psaCredentials, kind: 'halopsa' });
});

test('an id that is none is refused', async () => {
  await harness.admin.problem(400, 'invalid-request', 'GET', `${create}/not-an-id`);
});

test('without a clientId of the deployment nothing is stored, and whoever runs it is told', async () => {
  const without = await startApi({ env: { CONNECTWISE_CLIENT_ID: '' } });
  try {
    const problem = await without
      .as(without.one.tokens.admin)
      .call<{ code: string; detail: string }>('POST', create, body);
    expect(problem).toMatchObject({ status: 503, body: { code: 'psa-not-set-up' } });
  } finally {
    await without.close();
  }
});

test('writing is not turned on where the PSA itself says that Countersign may not write', async () => {
  const { psaConnectionId: id, tokens } = harness.one;
  const denied = { auth: 'ok', capabilities: { 'lines.write': { state: 'denied', evidence: 'canUpdate is false.' } } };
  await harness.db.execute(
    sql`update psa_connection set permissions = ${JSON.stringify(denied)}::jsonb where id = ${id}`,
  );
  const before = await harness.dump();
  const admin = harness.as(tokens.admin);
  const problem = await admin.problem(409, 'writing-denied', 'PUT', `${create}/${id}/writes`, { enabled: true });
  expect(problem.detail).toContain('canUpdate is false.');
  expect(await harness.dump()).toEqual(before);
  // Turning it off is never refused.
  await admin.good('PUT', `${create}/${id}/writes`, { enabled: false });
});

test('only a held reading is released or discarded, and only once', async () => {
  const { psaConnectionId: id } = harness.one;
  const refreshId = await seedHeldRefresh(harness.one);
  const path = `${create}/${id}/refreshes`;
  await harness.admin.good('POST', `${path}/${refreshId}/release`);
  const before = await harness.dump();
  await harness.admin.problem(409, 'not-held', 'POST', `${path}/${refreshId}/release`);
  await harness.admin.problem(409, 'not-held', 'POST', `${path}/${refreshId}/discard`);
  await harness.admin.problem(404, 'not-found', 'POST', `${path}/${id}/release`);
  expect(await harness.dump()).toEqual(before);
});
