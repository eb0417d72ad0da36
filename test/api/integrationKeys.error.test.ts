import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { seedPush } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

test('a disconnected one gets none any more, and its keys are revoked', async () => {
  const { id } = await seedPush(harness.one);
  await harness.admin.good('POST', `/v1/integrations/${id}/disconnect`);
  await harness.admin.problem(409, 'disconnected', 'POST', `/v1/integrations/${id}/key`, {});
  const { items } = await harness.admin.good<{ items: { revokedAt: string | null }[] }>(
    'GET',
    `/v1/integrations/${id}/keys`,
  );
  expect(items.every((key) => key.revokedAt !== null)).toBe(true);
});

test.each([-1, 721, 'long', null])('an overlap of %j is refused', async (overlapHours) => {
  const { id } = await seedPush(harness.one);
  await harness.admin.problem(400, 'invalid-request', 'POST', `/v1/integrations/${id}/key`, { overlapHours });
});

test('a key that is not there, or was revoked, cannot be revoked', async () => {
  const { id, keyId } = await seedPush(harness.one);
  await harness.admin.problem(404, 'not-found', 'DELETE', `/v1/integrations/${id}/keys/${randomUUID()}`);
  await harness.admin.good('DELETE', `/v1/integrations/${id}/keys/${keyId}`);
  await harness.admin.problem(404, 'not-found', 'DELETE', `/v1/integrations/${id}/keys/${keyId}`);
});
