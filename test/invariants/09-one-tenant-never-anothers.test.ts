/**
 * Invariant 9 through the Vendor API: one vendor, one vendor key, two tenants. (Through `/v1`, every route refuses another
 * tenant's ids: test/api/*.security.test.ts.)
 */
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import type { Tenant } from '../kit/apiTenant.ts';
import { createService, vendorKey } from '../kit/vendorApi.ts';

interface Side {
  tenant: Tenant;
  id: string;
  key: string;
}

let harness: ApiHarness;
let mine: Side;
let theirs: Side;

/** What only the other tenant knows; none of it may ever be answered. */
const secrets = ['Their Customer', 'Their SKU', 'Their Vendor', 'Their Service'];

beforeAll(async () => {
  harness = await startApi({
    env: { VENDOR_API_KEYS: `mailprotector:${vendorKey}`, VENDOR_API_RATE_PER_SECOND: '100000' },
  });
});
afterAll(() => harness?.close());

async function connect(tenant: Tenant): Promise<Side> {
  const { integration, key } = await harness
    .as(tenant.tokens.admin)
    .good<{ integration: { id: string }; key: string }>('POST', '/v1/integrations', {
      vendor: 'mailprotector',
      psaConnectionId: tenant.psaConnectionId,
      intake: 'push',
      modules: ['billing'],
      viaVirtualAdministrator: false,
    });
  await createService(harness.url, key);
  return { tenant, id: integration.id, key };
}

async function call(
  side: Side,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; text: string }> {
  const response = await fetch(`${harness.url}/api/vendor-api${path}`, {
    method,
    headers: {
      'GRADIENT-TOKEN': Buffer.from(`${vendorKey}:${side.key}`).toString('base64'),
      'content-type': 'application/json',
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, text: await response.text() };
}

const sku = (name: string) => ({ name, description: name, category: 'other', subcategory: 'other' });

beforeEach(async () => {
  [mine, theirs] = [await connect(harness.one), await connect(harness.other)];
  // The same ids on both sides: an outside system knows nothing of our tenants.
  for (const [side, whose] of [
    [mine, 'My'],
    [theirs, 'Their'],
  ] as const) {
    const made = [
      await call(side, 'PATCH', '', { name: `${whose} Vendor`, description: 'x' }),
      await call(side, 'POST', '/organization/accounts', [{ id: 'shared', name: `${whose} Customer` }]),
      await call(side, 'POST', '/organization/services', [{ id: 'own', name: `${whose} Service` }]),
      await call(side, 'POST', '/service', sku(`${whose} SKU`)),
      await call(side, 'POST', '/service/CloudFilter/count', { accountId: 'shared', unitCount: 5 }),
    ];
    expect(made.map(({ status }) => status)).toEqual([200, 201, 201, 201, 404]);
  }
});

/** Every row that belongs to the other tenant, by its organization or by its integration. */
async function rowsOf(side: Side): Promise<string[]> {
  const dump = await harness.dump();
  return Object.entries(dump).flatMap(([table, rows]) =>
    rows
      .filter((row) => row.includes(side.id) || row.includes(side.tenant.organizationId))
      .map((row) => `${table} ${row}`),
  );
}

/** Everything a vendor may change, on ids that the other tenant has too. */
const changes: [string, string, unknown?][] = [
  ['PATCH', '/organization/status/active'],
  ['PATCH', '/organization/status/pending'],
  ['PATCH', '', { name: 'Renamed Vendor' }],
  ['POST', '/service', sku('Their SKU')],
  ['POST', '/organization/accounts', [{ id: 'shared', name: 'Renamed' }]],
  ['PATCH', '/organization/accounts/shared', { name: 'Renamed Again', isActive: false }],
  ['POST', '/organization/services', [{ id: 'own', name: 'Renamed' }]],
  ['PATCH', '/organization/services/own', { name: 'Renamed Again' }],
  ['POST', '/service/CloudFilter/count', { accountId: 'shared', unitCount: 99 }],
  ['POST', '/service/own/count', { accountId: 'shared', unitCount: 98 }],
  ['DELETE', '/organization/services/own'],
  ['DELETE', '/organization/accounts/shared'],
];

test('whatever one tenant’s key changes, every row of the other is as it was', async () => {
  const [before, own] = [await rowsOf(theirs), await rowsOf(mine)];
  expect(before.length).toBeGreaterThan(20);
  const done: number[] = [];
  for (const [method, path, body] of changes) done.push((await call(mine, method, path, body)).status);
  // The changes are real ones: most were taken, and what is mine is another now.
  expect(done.filter((status) => status < 300).length).toBeGreaterThan(7);
  expect(await rowsOf(mine)).not.toEqual(own);
  expect(await rowsOf(theirs)).toEqual(before);
});

test('nothing of the other tenant is ever answered', async () => {
  const { skus } = JSON.parse((await call(theirs, 'POST', '/service', sku('Their SKU'))).text) as {
    skus: { id: string; name: string }[];
  };
  const theirSku = skus.find((entry) => entry.name === 'Their SKU')?.id ?? '';
  const reads = [
    '',
    '/organization',
    '/organization/accounts',
    '/organization/accounts/shared',
    '/organization/services',
    '/organization/services/own',
    '/organization/clients',
    `/organization/clients?search=${harness.other.prefix}`,
    `/organization/clients?previousId=${harness.other.psaAccount(1)}`,
  ];
  for (const path of reads) {
    const { text } = await call(mine, 'GET', path);
    for (const secret of [...secrets, `${harness.other.prefix}-`, theirs.id, theirs.tenant.organizationId])
      expect(text, `GET ${path}`).not.toContain(secret);
  }
  // Its SKU is one that nobody has, and cannot be counted either.
  expect((await call(mine, 'GET', `/service/${encodeURIComponent(theirSku)}`)).status).toBe(404);
  const counted = await call(mine, 'POST', `/service/${encodeURIComponent(theirSku)}/count`, {
    accountId: 'shared',
    unitCount: 1,
  });
  expect(counted.status).toBe(404);
  const { rows: kept } = await harness.db.execute(
    sql`select 1 from pushed_count where integration_id = ${mine.id} and service_id = ${theirSku}`,
  );
  expect(kept).toHaveLength(0);
});

test('a key opens its own integration only, and none once it is revoked', async () => {
  const { items } = await harness
    .as(theirs.tenant.tokens.admin)
    .good<{ items: { id: string }[] }>('GET', `/v1/integrations/${theirs.id}/keys`);
  const path = `/v1/integrations/${mine.id}/keys/${items[0]?.id}`;
  // Another tenant's key, named under an integration of one's own.
  await harness.admin.problem(404, 'not-found', 'DELETE', path);
  expect((await call(theirs, 'GET', '/organization')).status).toBe(200);
  await harness.as(theirs.tenant.tokens.admin).good('DELETE', `/v1/integrations/${theirs.id}/keys/${items[0]?.id}`);
  expect((await call(theirs, 'GET', '/organization')).status).toBe(401);
  expect((await call(mine, 'GET', '/organization')).status).toBe(200);
});
