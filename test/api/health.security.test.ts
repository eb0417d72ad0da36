import { afterAll, beforeAll, expect, test } from 'vitest';
import { routesOf } from '../kit/apiContract.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

const open = ['/healthz', '/readyz', '/metrics', '/openapi.json', '/docs', '/docs/scalar.js'];

test.each(open)('%s needs no token, and tells nothing of a tenant', async (path) => {
  const response = await fetch(`${harness.url}${path}`);
  expect(response.status).toBe(200);
  const text = await response.text();
  for (const tenant of [harness.one, harness.other]) {
    for (const known of [tenant.organizationId, tenant.psaConnectionId, tenant.tokens.admin])
      expect(text).not.toContain(known);
    // The metrics are per integration: by its id, which says nothing to whoever does not have it already.
    if (path !== '/metrics') expect(text).not.toContain(tenant.integrationId);
  }
});

test('nothing else answers without a token', async () => {
  for (const { path } of routesOf(harness.contract)) expect(path).toMatch(/^\/v1\//);
  for (const path of ['/v1', '/v1/', '/v1/nothing', '/v1//cards', '/v1/../v1/cards', '/V1/cards', '/v1/cards/']) {
    expect([401, 404], path).toContain((await fetch(`${harness.url}${path}`)).status);
  }
});

test('answers carry the headers that keep a browser from being used against us', async () => {
  const { headers } = await fetch(`${harness.url}/docs`);
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('x-frame-options')).toBe('SAMEORIGIN');
  expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
});

test('no log line of a request holds its token', async () => {
  await harness.admin.good('GET', '/v1/cards?limit=1');
  expect(harness.logs.join('\n')).toContain('/v1/cards');
  expect(harness.logs.join('\n')).not.toContain(harness.one.tokens.admin);
});
