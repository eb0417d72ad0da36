import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { seedPush } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

interface Key {
  id: string;
  expiresAt: string | null;
  revokedAt: string | null;
}

test('a rotation shows the new key once, and gives the one before it the overlap', async () => {
  const { id, keyId } = await seedPush(harness.one);
  const made = await harness.admin.good<{ id: string; key: string }>('POST', `/v1/integrations/${id}/key`, {
    overlapHours: 24,
  });
  expect(made.key).toMatch(/^csk_[\w-]{43}$/);
  const { items } = await harness.admin.good<{ items: Key[] }>('GET', `/v1/integrations/${id}/keys`);
  expect(items.map((key) => key.id)).toEqual([made.id, keyId]);
  expect(items.map((key) => key.expiresAt === null)).toEqual([true, false]);
  expect(JSON.stringify(items)).not.toContain(made.key);
  expect(JSON.stringify(await harness.dump())).not.toContain(made.key);
  expect(harness.logs.join('\n')).not.toContain(made.key);
  // A later rotation without an overlap ends the earlier one's, and never prolongs it.
  await harness.admin.good('POST', `/v1/integrations/${id}/key`, {});
  await harness.admin.good('POST', `/v1/integrations/${id}/key`, { overlapHours: 48 });
  const later = await harness.admin.good<{ items: Key[] }>('GET', `/v1/integrations/${id}/keys`);
  const over = later.items.filter((key) => key.expiresAt !== null && new Date(key.expiresAt) <= new Date());
  expect(over.map((key) => key.id)).toEqual([made.id, keyId]);
});

test('the same Idempotency-Key again makes no second key, and does not show the first one again', async () => {
  const { id } = await seedPush(harness.one);
  const headers = { 'idempotency-key': `rotate-${id}` };
  const first = await harness.admin.call<{ id: string; key?: string }>(
    'POST',
    `/v1/integrations/${id}/key`,
    {},
    headers,
  );
  expect(first.body.key).toBeDefined();
  const client = await fetch(`${harness.url}/v1/integrations/${id}/key`, {
    method: 'POST',
    headers: {
      ...headers,
      authorization: `Bearer ${harness.one.tokens.admin}`,
      'content-type': 'application/json',
    },
    body: '{}',
  });
  expect(await client.json()).toEqual({ id: first.body.id });
  const { items } = await harness.admin.good<{ items: Key[] }>('GET', `/v1/integrations/${id}/keys`);
  expect(items).toHaveLength(2);
});

test('a revoked key is over at once', async () => {
  const { id, keyId } = await seedPush(harness.one);
  const { items } = await harness.admin.good<{ items: Key[] }>('DELETE', `/v1/integrations/${id}/keys/${keyId}`);
  expect(items).toMatchObject([{ id: keyId, revokedAt: expect.any(String) as string }]);
});
