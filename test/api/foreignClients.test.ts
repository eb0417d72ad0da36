/** What clients meet that are not ours: each answer says what is the matter, and nothing else. */
import { connect, type Socket } from 'node:net';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../dev/until.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { routesOf } from '../kit/apiContract.ts';
import { addressOf, sampleOf } from '../kit/apiSamples.ts';
import { mapOne, seedAlert } from '../kit/apiTenant.ts';
import { recomputeIntegration } from '../../db/queries/cards.ts';
import { storeServiceMapping } from '../kit/mappings.ts';
import { callVendorApi, createService, tokenOf, vendorKey } from '../kit/vendorApi.ts';

let harness: ApiHarness;
let integrationId: string;
let key: string;

beforeAll(async () => {
  harness = await startApi({ env: { VENDOR_API_KEYS: `mailprotector:${vendorKey}` } });
  const made = await harness.admin.good<{ integration: { id: string }; key: string }>('POST', '/v1/integrations', {
    vendor: 'mailprotector',
    psaConnectionId: harness.one.psaConnectionId,
    intake: 'push',
    modules: ['billing', 'alerts'],
    viaVirtualAdministrator: false,
  });
  integrationId = made.integration.id;
  key = made.key;
  await createService(harness.url, key);
});
afterAll(() => harness?.close());

const push = (method: string, path: string, body?: unknown) =>
  callVendorApi(harness.url, tokenOf(vendorKey, key), method, path, body);

/** Sends these lines, and then what is given, over a connection of its own. */
async function open(...lines: string[]): Promise<Socket & { said: string }> {
  const { hostname, port } = new URL(harness.url);
  const socket = Object.assign(connect(Number(port), hostname), { said: '' });
  socket.on('data', (bytes) => (socket.said += bytes.toString('latin1')));
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write(`${[...lines, 'host: x', 'content-type: application/json'].join('\r\n')}\r\n\r\n`);
  return socket;
}
const linesOf = (path: string) =>
  harness.logs
    .map((line) => JSON.parse(line) as { level: number; path?: string; status?: number })
    .filter((line) => line.path === path);

describe('an upload that is broken off', () => {
  const bearer = () => `authorization: Bearer ${harness.one.tokens.admin}`;
  const gradient = () => `gradient-token: ${tokenOf(vendorKey, key)}`;
  const cases: [string, string, () => string, string][] = [
    ['with a length', '/v1/psa-connections', bearer, 'content-length: 1000'],
    ['in chunks', '/v1/approvals', bearer, 'transfer-encoding: chunked'],
    ['of a vendor', '/api/vendor-api/organization/accounts', gradient, 'content-length: 1000'],
    ["of a vendor's count", '/api/vendor-api/service/CloudFilter/count', gradient, 'transfer-encoding: chunked'],
  ];
  test.each(cases)('%s is 400 and no error of ours', async (_, path, header, length) => {
    const socket = await open(`POST ${path} HTTP/1.1`, header(), length);
    // Half of it has come when the client goes.
    socket.end(length.startsWith('transfer') ? '5\r\n{"a":\r\n' : '{"a":');
    await until('the request to be over', async () => linesOf(path).length > 0);
    expect(linesOf(path)).toMatchObject([{ level: 30, status: 400 }]);
  });
});

describe('a body that comes slowly and does not say how long it is', () => {
  test.each([
    '/v1/psa-connections',
    '/api/vendor-api/organization/accounts',
    '/api/vendor-api/service/CloudFilter/count',
    '/api/vendor-api/alerting/1',
  ])('without a token is cut as soon as the headers are in: %s', async (path) => {
    for (const token of [[], ['gradient-token: bm9ib2R5Om5vYm9keQ==']]) {
      const socket = await open(`POST ${path} HTTP/1.1`, ...token, 'transfer-encoding: chunked');
      socket.write('1\r\n{\r\n');
      await new Promise((resolve) => socket.once('close', resolve));
      expect(socket.said).toContain('HTTP/1.1 401 ');
    }
  });

  test('with a token is read to its end, and is not counted twice', async () => {
    const socket = await open(
      'POST /api/vendor-api/service/CloudFilter/count HTTP/1.1',
      `gradient-token: ${tokenOf(vendorKey, key)}`,
      'transfer-encoding: chunked',
      'connection: close',
    );
    const body = JSON.stringify({ accountId: 'nobody', unitCount: 1 });
    for (const part of [body.slice(0, 9), body.slice(9)]) socket.write(`${part.length.toString(16)}\r\n${part}\r\n`);
    socket.write('0\r\n\r\n');
    await new Promise((resolve) => socket.once('close', resolve));
    expect(socket.said).toContain('No account map found with id: nobody');
  });
});

describe('methods', () => {
  test.each(['/v1/vendors', '/healthz', '/api/vendor-api/organization', '/nowhere'])(
    'TRACE %s is 405',
    async (path) => {
      const socket = await open(
        `TRACE ${path} HTTP/1.1`,
        `gradient-token: ${tokenOf(vendorKey, key)}`,
        'connection: close',
      );
      await new Promise((resolve) => socket.once('close', resolve));
      expect(socket.said).toContain('HTTP/1.1 405 ');
      expect(socket.said.toLowerCase()).toContain('allow: get');
      expect(socket.said).not.toContain(tokenOf(vendorKey, key));
    },
  );

  test('a method that an address does not take is 405 with those that it takes; an unknown address is 404', async () => {
    const call = async (method: string, path: string) => {
      const { status, headers } = await harness.admin.call(method, path);
      return [status, headers.get('allow')];
    };
    expect(await call('PATCH', '/v1/integrations')).toEqual([405, 'GET, POST']);
    expect(await call('DELETE', `/v1/integrations/${integrationId}/schedule`)).toEqual([405, 'GET, PUT']);
    expect(await call('GET', '/v1/nothing')).toEqual([404, null]);
  });

  test('headers that are too large are 431, as the contract says', async () => {
    const response = await fetch(`${harness.url}/v1/vendors`, { headers: { 'x-much': 'x'.repeat(20_000) } });
    expect(response.status).toBe(431);
    for (const operations of Object.values(harness.contract.paths))
      for (const { responses } of Object.values(operations)) expect(responses).toHaveProperty('431');
  });
});

test('the integration becomes active at the first accepted count, and not at a 404', async () => {
  const statusNow = async () => (await push('GET', '/organization')).body.status as string;
  const vendorAccountId = harness.one.vendorAccount(1);
  await push('POST', '/organization/accounts', [{ id: vendorAccountId, name: 'Contoso' }]);
  const count = () => push('POST', '/service/CloudFilter/count', { accountId: vendorAccountId, unitCount: 5 });
  await push('PATCH', '/organization/status/pending');
  expect((await count()).status).toBe(404);
  expect((await push('POST', '/service/CloudFilter/count', { accountId: 'nobody', unitCount: 5 })).status).toBe(404);
  expect((await push('POST', '/service/CloudFilter/count', { accountId: vendorAccountId, unitCount: -1 })).status).toBe(
    400,
  );
  expect(await statusNow()).toBe('pending');
  await mapOne(harness.one, integrationId);
  await harness.db.transaction((tx) =>
    storeServiceMapping(tx, integrationId, 'CloudFilter', {
      productIds: [harness.one.product('usual')],
      fanOut: 'parts',
      rounding: 'none',
    }),
  );
  // It becomes so once, with its audit row, however many counts are the first; and not without the row.
  await harness.failing('audit', async () => expect((await count()).status).toBe(500));
  expect(await statusNow()).toBe('pending');
  const counts = await Promise.all([count(), count(), count(), count()]);
  expect(counts.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
  expect(await statusNow()).toBe('active');
  const { items } = await harness.admin.good<{ items: object[] }>(
    'GET',
    `/v1/audit?action=integration.pushStatus&subjectId=${integrationId}`,
  );
  expect(items).toMatchObject([
    { actor: 'vendor:mailprotector', before: { status: 'pending' }, after: { status: 'active' } },
    { actor: 'vendor:mailprotector', before: { status: 'inactive' }, after: { status: 'pending' } },
  ]);
});

test('a name is never empty: of an account, a service, a SKU or the vendor, made or changed', async () => {
  const thing = { id: 'named', name: 'Named' };
  const sku = { description: '', category: 'backup', subcategory: 'data archiving' };
  for (const path of ['/organization/accounts', '/organization/services']) {
    await push('POST', path, [thing]);
    for (const name of ['', ' \t']) {
      const answers = [
        await push('POST', path, [{ ...thing, name }]),
        await push('PATCH', path, [{ ...thing, name }]),
        await push('PATCH', `${path}/named`, { name }),
      ];
      for (const { status, body } of answers)
        expect([status, JSON.stringify(body)]).toEqual([400, expect.stringContaining('name should not be empty')]);
    }
    expect((await push('PATCH', `${path}/named`, { description: '' })).body).toMatchObject({ name: 'Named' });
  }
  for (const name of ['', ' '])
    for (const [method, path] of [
      ['POST', '/service'],
      ['PATCH', ''],
    ] as const) {
      const { status, body } = await push(method, path, { ...sku, name });
      expect([status, JSON.stringify(body)]).toEqual([400, expect.stringContaining('name should not be empty')]);
    }
});

test('a description may be empty, of a service as of an alert', async () => {
  const sku = { name: 'Archiv für alle', description: '', category: 'backup', subcategory: 'data archiving' };
  const { status, body } = await push('POST', '/service', sku);
  expect(status).toBe(201);
  expect(body.skus).toContainEqual(expect.objectContaining({ name: sku.name, description: '' }));
  expect((await push('POST', '/service', { ...sku, description: undefined })).status).toBe(400);
  const alert = { alertId: 'quiet', title: 'Quiet', description: '', priority: 1, status: 1 };
  expect((await push('POST', '/alerting/1', alert)).status).toBe(201);
});

test('a date says its zone, and is of a day that exists', async () => {
  const send = async (dueDateTime: string) =>
    (await push('POST', '/alerting/1', { alertId: 'due', title: 'Due', description: 'x', dueDateTime })).status;
  for (const moment of ['2028-02-29T10:00:00Z', '2026-12-01T10:00:00.5+02:00', '2026-12-01T10:00Z'])
    expect([moment, await send(moment)]).toEqual([moment, 201]);
  for (const moment of [
    '2026-12-01T10:00:00',
    '2026-12-01',
    '2026-02-29T10:00:00Z',
    '2026-04-31T10:00:00Z',
    '2026-13-01T10:00:00Z',
  ])
    expect([moment, await send(moment)]).toEqual([moment, 400]);
  for (const expires of ['2026-02-30', '2026-02-29', '2026-1-1', '2026-12-01T10:00:00']) {
    const body = { rule: { notBilled: true, reason: 'trial', expires } };
    const { errors } = await harness.admin.problem(
      400,
      'invalid-request',
      'PUT',
      `/v1/cards/${integrationId}/rule`,
      body,
    );
    expect(errors?.map(({ field }) => field)).toEqual(['rule.expires']);
  }
});

describe('a search finds a name however its letters are composed', () => {
  const composed = 'Z\u00fcrich \u00c9cole';
  const decomposed = composed.normalize('NFD');
  const terms = [composed.slice(0, 5).toLowerCase(), decomposed.slice(0, 6).toLowerCase()];
  /** One name in each form, of everything that has a name. */
  beforeAll(async () => {
    const { one } = harness;
    const { psaConnectionId, integrationId: connected } = one;
    for (const [n, name, unused] of [
      [7, composed, one.product('inactive')],
      [8, decomposed, one.product('bundle')],
    ] as const) {
      await harness.db.execute(sql`
        update psa_account set name = ${name} where psa_connection_id = ${psaConnectionId} and id = ${one.psaAccount(n)}`);
      await harness.db.execute(sql`
        update psa_product set name = ${name} where psa_connection_id = ${psaConnectionId} and id = ${unused}`);
      await harness.db.execute(sql`
        update vendor_account set name = ${name} where integration_id = ${connected} and id = ${one.vendorAccount(n)}`);
      await seedAlert(one, 'waiting', { integrationId: connected, accountId: one.vendorAccount(n) });
    }
    await harness.db.transaction((tx) => recomputeIntegration(tx, connected));
  });

  /** The answers of an address to the search in both forms, as one: they do not differ. */
  const found = async (address: string) => {
    const [first, second] = await Promise.all(
      terms.map((term) => harness.admin.good<unknown>('GET', `${address}search=${encodeURIComponent(term)}`)),
    );
    expect(second, address).toEqual(first);
    return first;
  };
  const searchable = () =>
    routesOf(harness.contract).filter(({ operation }) => operation.parameters?.some(({ name }) => name === 'search'));

  test('in every list that the contract says can be searched', async () => {
    expect(searchable().length).toBeGreaterThanOrEqual(8);
    for (const route of searchable()) {
      const { params = {}, query } = await sampleOf(route, harness.one);
      const others = new URLSearchParams(query);
      for (const name of ['search', 'limit']) others.delete(name);
      const answer = await found(`${addressOf(route, { params })}?${others.toString()}&`);
      if (route.operation.operationId === 'countCards') expect(answer).toMatchObject({ total: 2 });
      else for (const name of [composed, decomposed]) expect(JSON.stringify(answer), route.path).toContain(name);
    }
  });

  test('in another order, in a preview of approvals, and of a vendor that asks for clients', async () => {
    const { psaConnectionId, integrationId: connected } = harness.one;
    expect(await found(`/v1/integrations/${connected}/accounts?order=seats&`)).toMatchObject({ items: [{}, {}] });
    for (const search of terms) {
      const preview = { psaConnectionId, filter: { search } };
      expect(await harness.admin.good('POST', '/v1/approvals/previews', preview)).toMatchObject({ cards: 2 });
      const { body } = await push('GET', `/organization/clients?search=${encodeURIComponent(search)}`);
      expect(body.clients).toHaveLength(2);
    }
  });

  test('also of cards that were computed before names were compared in one form', async () => {
    const total = async () => (await found('/v1/cards/counts?')) as { total: number };
    await harness.db.execute(sql`update card set search = normalize(search, nfd)`);
    expect(await total()).toMatchObject({ total: 0 });
    await harness.db.execute(sql.raw(await readFile('db/migrations/0027_card_search_nfc.sql', 'utf8')));
    expect(await total()).toMatchObject({ total: 2 });
  });
});

test('the command line makes a further organization, and lets people into the one that is named', async () => {
  const admin = async (...args: string[]) => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', 'cli/admin.ts', ...args], {
      env: { ...process.env, DATABASE_URL: harness.environment.DATABASE_URL, PUBLIC_URL: 'https://c.example.com' },
    });
    return JSON.parse(stdout) as { organizationId: string; token: string; link: string };
  };
  const made = await admin('organization', '--name', 'Zweites Systemhaus');
  const theirs = harness.as(made.token);
  expect(await theirs.good('GET', '/v1/me')).toMatchObject({
    organization: { id: made.organizationId, name: 'Zweites Systemhaus' },
  });
  expect(await theirs.good('GET', '/v1/integrations')).toMatchObject({ items: [] });
  await expect(admin('organization', '--name', 'Zweites Systemhaus')).rejects.toThrow(/already/);
  const invited = await admin(
    'invite',
    '--email',
    'ada@example.com',
    '--role',
    'admin',
    '--organization',
    made.organizationId,
  );
  expect(invited.link).toMatch(/^https:\/\/c\.example\.com\/join#/);
  expect(await theirs.good('GET', '/v1/invitations')).toMatchObject({ items: [{ email: 'ada@example.com' }] });
  expect((await admin('token', '--scope', 'read', '--organization', 'Zweites Systemhaus')).organizationId).toBe(
    made.organizationId,
  );
});
