/** A vendor of which nothing is known but its key, its name and its address: it connects, pushes, is mapped, and is counted. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { callVendorApi, tokenOf, vendorKey } from '../kit/vendorApi.ts';

const acmeKey = 'the-vendor-key-of-acme';
const services = ['Sicherung für Server', 'A/B Backup 1+1 TB', 'ohne-Namen'];

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi({
    env: {
      VENDOR_API_KEYS: `mailprotector:${vendorKey},acme-backup:${acmeKey}`,
      VENDOR_NAMES: 'acme-backup=Acme Backup GmbH',
      VENDOR_PORTALS: 'acme-backup=https://portal.acme.example.com',
    },
  });
});
afterAll(() => harness?.close());

const body = (more: object = {}) => ({
  vendor: 'acme-backup',
  psaConnectionId: harness.one.psaConnectionId,
  intake: 'push',
  modules: ['billing'],
  ...more,
});
const create = (more: object = {}) =>
  harness.admin.good<{ integration: { id: string; vendor: string }; key: string }>(
    'POST',
    '/v1/integrations',
    body(more),
  );
const pushing =
  (key: string, vendor = acmeKey) =>
  (method: string, path: string, given?: unknown) =>
    callVendorApi(harness.url, tokenOf(vendor, key), method, path, given);
const skusOf = async (push: ReturnType<typeof pushing>) =>
  (await push('GET', '')).body.data.skus.map((sku: { name: string }) => sku.name) as string[];
const sku = (name: string) => ({ name, description: '', category: 'backup', subcategory: 'cloud backup' });

test('both kinds of vendors are listed with what each can do', async () => {
  const { items } = await harness.admin.good<{ items: { id: string; intakes: { intake: string }[] }[] }>(
    'GET',
    '/v1/vendors',
  );
  expect(items.map(({ id, intakes }) => [id, intakes.map(({ intake }) => intake)])).toEqual([
    ['mailprotector', ['push', 'pull']],
    ['acme-backup', ['push']],
  ]);
  expect(items[1]).toMatchObject({
    name: 'Acme Backup GmbH',
    eligibility: null,
    credentials: [],
    services: [],
    portal: { url: 'https://portal.acme.example.com' },
    support: { by: 'Acme Backup GmbH', url: 'https://portal.acme.example.com' },
  });
});

test('its catalogue is what it creates, and its counts are those of its services, whatever they are called', async () => {
  const { integration, key } = await create();
  expect(integration.vendor).toBe('acme-backup');
  const push = pushing(key);
  expect((await push('GET', '/organization')).body).toMatchObject({
    vendorId: 'acme-backup',
    vendorName: 'Acme Backup GmbH',
  });
  expect(await skusOf(push)).toEqual([]);
  for (const name of services) expect((await push('POST', '/service', sku(name))).status).toBe(201);
  expect((await skusOf(push)).toSorted()).toEqual(services.toSorted());
  const at = `/v1/integrations/${integration.id}`;
  const { items } = await harness.admin.good<{ items: { id: string; name: string }[] }>('GET', `${at}/services`);
  expect(items.map(({ name }) => name).toSorted()).toEqual(services.toSorted());

  await push('POST', '/organization/accounts', [{ id: 'K/1', name: 'Bäckerei Çelik' }]);
  await push('PATCH', '/organization/status/pending');
  await harness.admin.decide('PUT', `${at}/accounts/${encodeURIComponent('K/1')}`, 'mapping', {
    psaAccountId: harness.one.psaAccount(1),
  });
  for (const { id } of items)
    await harness.admin.decide('PUT', `${at}/services/${encodeURIComponent(id)}`, 'mapping', {
      productIds: [harness.one.product('usual')],
      fanOut: 'parts',
      rounding: 'none',
    });
  const skus = (await push('GET', '')).body.data.skus as { id: string; name: string }[];
  for (const { id, name } of skus) {
    // By the id that the API gives it, and by its name, encoded.
    for (const address of [id, encodeURIComponent(name)])
      expect((await push('POST', `/service/${address}/count`, { accountId: 'K/1', unitCount: 3 })).status).toBe(201);
  }
  expect((await push('GET', '/organization')).body.status).toBe('active');
});

test('of Mailprotector, too, services are those that it created, matched to the names that we know', async () => {
  const { integration, key } = await create({ vendor: 'mailprotector', viaVirtualAdministrator: false });
  const push = pushing(key, vendorKey);
  expect(await skusOf(push)).toEqual([]);
  for (const name of ['CloudFilter Email Security', 'Etwas Eigenes']) await push('POST', '/service', sku(name));
  const { items } = await harness.admin.good<{ items: { id: string }[] }>(
    'GET',
    `/v1/integrations/${integration.id}/services`,
  );
  expect(items.map(({ id }) => id).toSorted()).toEqual(['CloudFilter', 'Etwas Eigenes']);
  const pull = await create({ vendor: 'mailprotector', intake: 'pull', viaVirtualAdministrator: false });
  const known = await harness.admin.good<{ items: object[] }>(
    'GET',
    `/v1/integrations/${pull.integration.id}/services`,
  );
  expect(known.items).toHaveLength(8);
});

test('one vendor key opens no integration of another vendor', async () => {
  const { key } = await create();
  expect((await pushing(key, vendorKey)('GET', '/organization')).status).toBe(401);
});

test('what cannot be read is not read: neither from the start, nor later, nor with credentials', async () => {
  const refused = await harness.admin.problem(422, 'only-pushes', 'POST', '/v1/integrations', body({ intake: 'pull' }));
  expect(refused.detail).toContain('Acme Backup GmbH');
  const { integration } = await create();
  const at = `/v1/integrations/${integration.id}`;
  await harness.admin.problem(422, 'only-pushes', 'PUT', `${at}/intake`, { intake: 'pull' });
  await harness.admin.problem(422, 'only-pushes', 'PUT', `${at}/vendor-credentials`, {
    resellerId: '1',
    apiKey: 'secret',
  });
});

test('a vendor without a key here is not known', async () => {
  await harness.admin.problem(422, 'unknown-vendor', 'POST', '/v1/integrations', body({ vendor: 'acme' }));
});
