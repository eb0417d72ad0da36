import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

test('the vendors that can be connected are listed with their services and the Virtual Administrator note (G02)', async () => {
  const { items } = await harness.admin.good<{ items: { id: string; services: { id: string }[]; note: string }[] }>(
    'GET',
    '/v1/vendors',
  );
  const vendor = items.find((item) => item.id === 'mailprotector');
  expect(vendor?.services.map((service) => service.id)).toContain('CloudFilter');
  expect(vendor?.note).toContain('Virtual Administrator');
});

test('the audit lists what was changed, newest first, with before and after', async () => {
  const path = `/v1/psa-connections/${harness.one.psaConnectionId}/writes`;
  await harness.admin.good('PUT', path, { enabled: true });
  await harness.admin.good('PUT', path, { enabled: false });
  const { items } = await harness.admin.good<{ items: object[] }>('GET', '/v1/audit');
  expect(items).toMatchObject([
    { action: 'psaConnection.writes', before: { writesEnabled: true }, after: { writesEnabled: false } },
    { action: 'psaConnection.writes', before: { writesEnabled: false }, after: { writesEnabled: true } },
  ]);
});
