import { afterAll, beforeAll, expect, test } from 'vitest';
import { findIntegration } from '../../db/queries/integration.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { block, numbers, seedIntegration, seedRun, stepsBefore } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

interface Integration {
  id: string;
  disconnectedAt: string | null;
  process: { done: boolean; steps: { step: string; state: string; problem: { code: string } | null }[] };
  sync: { steps: { step: string; state: string }[] };
}
const stateOf = (view: Integration, step: string) => view.process.steps.find((row) => row.step === step)?.state;
const get = (id: string) => harness.admin.good<Integration>('GET', `/v1/integrations/${id}`);

test('connecting a vendor starts the connect process, which waits for credentials (intake pull)', async () => {
  const { integration } = await harness.admin.good<{ integration: Integration }>('POST', '/v1/integrations', {
    vendor: 'mailprotector',
    psaConnectionId: harness.one.psaConnectionId,
    intake: 'pull',
    modules: ['billing', 'billing'],
    viaVirtualAdministrator: false,
  });
  expect(integration).toMatchObject({ modules: ['billing'], vendorName: null, disconnectedAt: null });
  expect(stateOf(integration, 'issueKey')).toBe('skipped');
  expect(stateOf(integration, 'credentials')).toBe('waiting');
  expect(harness.wakes.at(-1)).toMatchObject({ kind: 'connect', id: integration.id, integrationId: integration.id });
  const services = await harness.admin.good<{ items: { id: string }[] }>(
    'GET',
    `/v1/integrations/${integration.id}/services`,
  );
  expect(services.items.map((service) => service.id)).toContain('CloudFilter');
  const list = await harness.admin.good<{ items: Integration[] }>('GET', '/v1/integrations');
  expect(list.items.map((item) => item.id)).toContain(integration.id);
});

test('credentials complete their step, are kept encrypted, and free what was blocked for them in connect and in sync', async () => {
  const id = await seedIntegration(harness.one, stepsBefore('credentials'));
  await block(harness.one, { kind: 'connect', id, round: '1', step: 'verifyCredentials' });
  const runId = await seedRun(harness.one, id);
  await block(harness.one, { kind: 'sync', id, round: runId, step: 'pullVendor' });
  await block(harness.one, { kind: 'sync', id, round: runId, step: 'checkComplete' });
  expect((await get(id)).sync.steps.filter((step) => step.state === 'blocked').map((step) => step.step)).toEqual([
    'pullVendor',
    'checkComplete',
  ]);

  harness.wakes.length = 0;
  const settings = { countBy: 'users', swing: { totalPercent: 30 } };
  const body = { resellerId: '777', apiKey: 'a-brand-new-key', settings };
  const view = await harness.admin.good<Integration>('PUT', `/v1/integrations/${id}/vendor-credentials`, body);
  expect(stateOf(view, 'credentials')).toBe('done');
  expect(stateOf(view, 'verifyCredentials')).toBe('waiting');
  expect(view.sync.steps.filter((step) => step.state === 'blocked')).toEqual([]);
  expect(harness.wakes.map((wake) => wake.kind)).toEqual(['connect', 'sync']);
  const row = await findIntegration(harness.db, harness.one.organizationId, id);
  expect(row?.settings).toEqual({ ...settings, resellerId: '777' });
  expect(row?.credentials).not.toContain('brand-new');
  expect(harness.one.encryption.decrypt(row?.credentials ?? '', id)).toEqual({
    resellerId: '777',
    apiKey: 'a-brand-new-key',
  });
});

test('customers are listed as last read and linked, which completes the step', async () => {
  const id = await seedIntegration(harness.one, stepsBefore('linkCustomers'));
  const list = () =>
    harness.admin.good<{ items: { id: string; linked: boolean }[] }>(
      'GET',
      `/v1/integrations/${id}/customers?limit=200`,
    );
  const missing = harness.one.vendorAccount(numbers.notLinked);
  expect((await list()).items.find((item) => item.id === missing)?.linked).toBe(false);
  expect(
    await harness.admin.good('POST', `/v1/integrations/${id}/customers/link`, { ids: [missing, missing] }),
  ).toEqual({ linked: 1 });
  expect((await list()).items.every((item) => item.linked)).toBe(true);
  expect(stateOf(await get(id), 'linkCustomers')).toBe('done');
  expect(harness.wakes.at(-1)).toMatchObject({ kind: 'connect', id });
  expect(await harness.admin.good('POST', `/v1/integrations/${id}/customers/link`, { all: true })).toEqual({
    linked: numbers.notLinked,
  });
});
