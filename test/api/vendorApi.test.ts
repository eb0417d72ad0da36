/** Gradient's Vendor API as a vendor program sees it: a test per route, from reference/gradient.md §4 and not from our code. */
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { mapOne } from '../kit/apiTenant.ts';
import { callVendorApi, createService, tokenOf, vendorKey } from '../kit/vendorApi.ts';
import { until } from '../../dev/until.ts';
import { storeServiceMapping } from '../kit/mappings.ts';

let harness: ApiHarness;
let integrationId: string;
let key: string;

beforeAll(async () => {
  harness = await startApi({ env: { VENDOR_API_KEYS: `mailprotector:${vendorKey}` } });
});
afterAll(() => harness?.close());
beforeEach(async () => {
  ({ integrationId, key } = await connectPush());
});

async function connectPush(): Promise<{ integrationId: string; key: string }> {
  const answer = await harness.admin.good<{ integration: { id: string }; key: string }>('POST', '/v1/integrations', {
    vendor: 'mailprotector',
    psaConnectionId: harness.one.psaConnectionId,
    intake: 'push',
    modules: ['billing'],
    viaVirtualAdministrator: false,
  });
  await createService(harness.url, answer.key);
  return { integrationId: answer.integration.id, key: answer.key };
}

const call = (method: string, path: string, body?: unknown, token = tokenOf(vendorKey, key)) =>
  callVendorApi(harness.url, token, method, path, body);

const stepState = async (step: string) => {
  const view = await harness.admin.good<{ process: { steps: { step: string; state: string }[] } }>(
    'GET',
    `/v1/integrations/${integrationId}`,
  );
  return view.process.steps.find((row) => row.step === step)?.state;
};

async function withAccount(id = '1001', name = 'Contoso'): Promise<void> {
  expect((await call('POST', '/organization/accounts', [{ id, name }])).status).toBe(201);
}

/** An account and a service that count. */
async function mapped(): Promise<void> {
  await withAccount(harness.one.vendorAccount(1), 'Mapped');
  await mapOne(harness.one, integrationId);
  await harness.db.transaction((tx) =>
    storeServiceMapping(tx, integrationId, 'CloudFilter', {
      productIds: [harness.one.product('usual')],
      fanOut: 'parts',
      rounding: 'none',
    }),
  );
}
const count = (accountId: string, unitCount: unknown, query = '', serviceId = 'CloudFilter') =>
  call('POST', `/service/${serviceId}/count${query}`, { accountId, unitCount });

describe('the key', () => {
  test('1: the preferred credential check answers whom it belongs to, bare', async () => {
    const { status, body } = await call('GET', '/organization');
    expect(status).toBe(200);
    expect(body).toEqual({
      organizationId: harness.one.organizationId,
      name: 'MSP one',
      vendorId: expect.any(String) as string,
      vendorName: expect.any(String) as string,
      integrationId,
      status: 'inactive',
      // Never synced is a date of 1900 (§4.2).
      lastSyncedAt: expect.stringMatching(/^1900-/) as string,
    });
    expect(await stepState('issueKey')).toBe('done');
  });

  test.each([
    ['no token', ''],
    ['not base64 of two keys', Buffer.from('one').toString('base64')],
    ['a wrong vendor key', 'wrong-vendor'],
    ['a wrong partner key', 'wrong-partner'],
  ])('%s is 401', async (what) => {
    const token =
      what === 'a wrong vendor key'
        ? tokenOf('another-vendor-key', key)
        : what === 'a wrong partner key'
          ? tokenOf(vendorKey, 'csk_wrong')
          : what === 'no token'
            ? ''
            : Buffer.from('one').toString('base64');
    const { status, body } = await call('GET', '/organization', undefined, token);
    expect(status).toBe(401);
    expect(body).toMatchObject({ statusCode: 401, message: 'Unauthorized' });
  });

  test('a rotated key answers 401 after its overlap, and the new one at once; both in the overlap', async () => {
    const overlapped = await harness.admin.good<{ key: string }>('POST', `/v1/integrations/${integrationId}/key`, {
      overlapHours: 1,
    });
    expect((await call('GET', '/organization')).status).toBe(200);
    expect((await call('GET', '/organization', undefined, tokenOf(vendorKey, overlapped.key))).status).toBe(200);
    const last = await harness.admin.good<{ key: string }>('POST', `/v1/integrations/${integrationId}/key`, {});
    for (const old of [key, overlapped.key])
      expect((await call('GET', '/organization', undefined, tokenOf(vendorKey, old))).status).toBe(401);
    expect((await call('GET', '/organization', undefined, tokenOf(vendorKey, last.key))).status).toBe(200);
    const { items } = await harness.admin.good<{ items: { id: string; lastUsedAt: string | null }[] }>(
      'GET',
      `/v1/integrations/${integrationId}/keys`,
    );
    expect(items).toHaveLength(3);
    expect(items[0]?.lastUsedAt).not.toBeNull();
    expect(JSON.stringify(items)).not.toContain('csk_');
    await harness.admin.good('DELETE', `/v1/integrations/${integrationId}/keys/${items[0]?.id}`);
    expect((await call('GET', '/organization', undefined, tokenOf(vendorKey, last.key))).status).toBe(401);
  });

  test('it is stored as a hash, and in no log', async () => {
    await call('GET', '/organization');
    expect(JSON.stringify(await harness.dump())).not.toContain(key);
    expect(harness.logs.join('\n')).not.toContain(key);
  });

  test('a disconnected integration refuses its key', async () => {
    await harness.admin.good('POST', `/v1/integrations/${integrationId}/disconnect`);
    expect((await call('GET', '/organization')).status).toBe(401);
  });
});

describe('status (2)', () => {
  test('pending enables, is wrapped, and never demotes active', async () => {
    expect(await stepState('enable')).toBe('waiting');
    const { status, body } = await call('PATCH', '/organization/status/pending');
    expect(status).toBe(200);
    expect(body).toMatchObject({ status: 200, message: expect.any(String) as string, data: { status: 'pending' } });
    expect(await stepState('enable')).toBe('done');
    await call('PATCH', '/organization/status/active', {});
    expect((await call('PATCH', '/organization/status/pending')).body.data.status).toBe('active');
  });

  test.each(['Pending', 'PENDING', 'ready', '%20'])('%s is none: it is case-sensitive', async (status) => {
    expect(await call('PATCH', `/organization/status/${status}`)).toMatchObject({
      status: 400,
      body: { statusCode: 400 },
    });
  });
});

describe('the vendor and its services (3 to 7)', () => {
  const sku = {
    name: 'Archive Plus',
    description: 'Keeps mail',
    category: 'security',
    subcategory: 'email security',
    somethingNew: { is: 'ignored' },
  };

  test('3: the vendor, wrapped, with its SKUs', async () => {
    const { body } = await call('GET', '');
    expect(body).toMatchObject({ status: 200, message: expect.any(String) as string });
    expect(body.data).toMatchObject({ isDistributor: false, modules: [{ variation: 'billing' }] });
    // Those that it has created, and no others.
    expect(body.data.skus.map((each: { name: string }) => each.name)).toEqual(['CloudFilter']);
    for (const each of body.data.skus as { _id: string; id: string }[]) expect(each._id).toBe(each.id);
  });

  test('4: changes what is sent, for this organization only; nothing to change is 400', async () => {
    expect((await call('PATCH', '', { description: 'Ours' })).body.data.description).toBe('Ours');
    expect((await call('PATCH', '', { unknown: 1 })).status).toBe(400);
    const other = await connectPush();
    expect((await call('GET', '', undefined, tokenOf(vendorKey, other.key))).body.data.description).toBe('');
  });

  test('5: a new service is in the root of the answer, once however often it is sent', async () => {
    const first = await call('POST', '/service', sku);
    expect(first.status).toBe(201);
    await call('POST', '/service', sku);
    const { body } = await call('GET', '');
    const found = (body.data.skus as { name: string; id: string }[]).filter(({ name }) => name === sku.name);
    expect(found).toHaveLength(1);
    expect(first.body.skus).toContainEqual(expect.objectContaining({ name: sku.name, id: found[0]?.id }));
    const one = await call('GET', `/service/${encodeURIComponent(found[0]?.id ?? '')}`);
    expect(one.body).toMatchObject({
      status: 200,
      data: { skus: [{ name: sku.name, subcategory: 'email security' }] },
    });
    expect((await call('PATCH', `/service/${encodeURIComponent(found[0]?.id ?? '')}`)).status).toBe(200);
  });

  test('5: a new service is among the SKUs also when one of this organization has its id or its name', async () => {
    await call('POST', '/organization/services', [
      { id: sku.name, name: 'Another name' },
      { id: 'another id', name: sku.name },
    ]);
    const { body } = await call('POST', '/service', sku);
    expect(body.skus).toContainEqual(expect.objectContaining({ name: sku.name, category: sku.category }));
    expect((await call('GET', '/organization/services')).body).toMatchObject([{ id: 'another id', name: sku.name }]);
  });

  test.each([
    ['a category of another case', { category: 'Security' }],
    ['a subcategory there is not', { subcategory: 'email' }],
    ['no name', { name: undefined }],
    ['a number for a name', { name: 5 }],
  ])('5: %s is 400', async (_what, change) => {
    expect((await call('POST', '/service', { ...sku, ...change })).status).toBe(400);
  });

  test('6: a service there is not is 404', async () => {
    expect(await call('GET', '/service/nothing')).toMatchObject({ status: 404, body: { statusCode: 404 } });
  });
});

describe('accounts (9 to 12)', () => {
  test('10: a bulk array creates, again it changes what is sent; answers are bare', async () => {
    const sent = [
      { id: '1001', name: 'Contoso', description: 'a customer' },
      { id: '1002', name: 'O’Brien & Söhne "GmbH"' },
    ];
    const { status, body } = await call('POST', '/organization/accounts', sent);
    expect(status).toBe(201);
    expect(body).toMatchObject(sent.map((each) => ({ ...each, isMapped: false })));
    await call('POST', '/organization/accounts', [{ id: '1001', name: 'Contoso Ltd' }]);
    const { body: all } = await call('GET', '/organization/accounts');
    expect(all).toMatchObject([{ id: '1001', name: 'Contoso Ltd', description: 'a customer' }, { id: '1002' }]);
  });

  test('10: a limit counts characters, also those that are two units of JavaScript', async () => {
    const longest = { id: '\u{1F600}'.repeat(200), name: '\u{1F600}'.repeat(500) };
    expect(await call('POST', '/organization/accounts', longest)).toMatchObject({ status: 201, body: [longest] });
    for (const field of ['id', 'name'] as const)
      expect((await call('POST', '/organization/accounts', { ...longest, [field]: `${longest[field]}x` })).status).toBe(
        400,
      );
  });

  test('10: a charset that is declared is decoded; bytes that are no UTF-8 and declare none are 400, and never U+FFFD', async () => {
    const send = async (id: string, encoding: BufferEncoding, type: string, mark = '') => {
      const body = Buffer.from(mark + JSON.stringify([{ id, name: 'Zoë Müller' }]), encoding);
      const response = await fetch(`${harness.url}/api/vendor-api/organization/accounts`, {
        method: 'POST',
        headers: { 'GRADIENT-TOKEN': tokenOf(vendorKey, key), 'content-type': type },
        body,
      });
      return { status: response.status, body: await response.json() };
    };
    expect((await send('1', 'latin1', 'application/json; charset=ISO-8859-1')).status).toBe(201);
    // As PowerShell sends JSON when it is told of no type.
    expect((await send('2', 'utf8', 'application/x-www-form-urlencoded', '\ufeff')).status).toBe(201);
    expect(await send('3', 'latin1', 'application/json')).toEqual({
      status: 400,
      body: { statusCode: 400, error: 'Bad Request', message: expect.stringMatching(/not valid UTF-8/) as string },
    });
    expect(await send('4', 'latin1', 'application/json; charset=utf-8')).toMatchObject({ status: 400 });
    expect(await send('5', 'utf8', 'application/json; charset=klingon')).toMatchObject({
      status: 415,
      body: { statusCode: 415, message: expect.stringMatching(/klingon/) as string },
    });
    const { body } = await call('GET', '/organization/accounts');
    expect(body).toMatchObject([
      { id: '1', name: 'Zoë Müller' },
      { id: '2', name: 'Zoë Müller' },
    ]);
  });

  test('10: the newer form is one object', async () => {
    expect(await call('POST', '/organization/accounts', { id: '7', name: 'Seven' })).toMatchObject({
      status: 201,
      body: [{ id: '7' }],
    });
  });

  test('10: what is there takes the flags that are sent, and keeps those that are not', async () => {
    for (const path of ['/organization/accounts', '/organization/services']) {
      const post = async (fields: object) => (await call('POST', path, [{ id: '1', name: 'One', ...fields }])).body;
      expect(await post({ isArrears: true })).toMatchObject([{ isActive: true, isArrears: true }]);
      expect(await post({ isActive: false })).toMatchObject([{ isActive: false, isArrears: true }]);
      expect(await post({ description: 'A' })).toMatchObject([{ description: 'A', isActive: false, isArrears: true }]);
      const body = [{ id: '1', name: 'Uno', description: 'A', isActive: true, isArrears: false }];
      expect(await post({ ...body[0] })).toMatchObject(body);
    }
  });

  test('12: of one id sent twice each field counts as it was sent last', async () => {
    await withAccount();
    const sent = [
      { id: '1001', name: 'A', isArrears: true },
      { id: '1001', name: 'B', description: 'b' },
    ];
    const account = { id: '1001', name: 'B', description: 'b', isArrears: true };
    expect((await call('PATCH', '/organization/accounts', sent)).body).toMatchObject([account, account]);
  });

  test('10 and 12: ten thousand at once are taken, one more is 400', { timeout: 60_000 }, async () => {
    const many = Array.from({ length: 10_000 }, (_, n) => ({ id: `${n}`, name: `N${n}` }));
    for (const path of ['/organization/accounts', '/organization/services']) {
      expect((await call('POST', path, many)).status).toBe(201);
      const { status, body } = await call(
        'PATCH',
        path,
        many.map(({ id }) => ({ id, isArrears: true })),
      );
      expect(status).toBe(200);
      expect((body as { isArrears: boolean }[]).every(({ isArrears }) => isArrears)).toBe(true);
      expect((await call('PATCH', path, [...many, { id: 'one more' }])).status).toBe(400);
    }
  });

  test('9: by ids and without the unmapped', async () => {
    await withAccount('1001');
    await withAccount('1002', 'Fabrikam');
    expect((await call('GET', '/organization/accounts?accountIds[]=1002')).body).toMatchObject([{ id: '1002' }]);
    expect((await call('GET', '/organization/accounts?returnUnmapped=false')).body).toEqual([]);
    expect((await call('GET', '/organization/accounts?returnUnmapped=true')).body).toHaveLength(2);
  });

  test('11 and 12: one and many are changed; an unknown one refuses all', async () => {
    await withAccount();
    expect(await call('PATCH', '/organization/accounts/1001', { name: 'New' })).toMatchObject({
      status: 200,
      body: { id: '1001', name: 'New' },
    });
    expect((await call('PATCH', '/organization/accounts/1', { name: 'New' })).status).toBe(404);
    const many = [
      { id: '1001', isActive: false, isArrears: true },
      { id: '9', name: 'x' },
    ];
    expect((await call('PATCH', '/organization/accounts', many)).status).toBe(404);
    expect((await call('GET', '/organization/accounts')).body).toMatchObject([{ isActive: true }]);
    expect((await call('PATCH', '/organization/accounts', many.slice(0, 1))).body).toMatchObject([{ isArrears: true }]);
  });

  test.each([['[]'], ['[{"id":"1"}]'], ['[{"id":1,"name":"x"}]'], ['[{"id":"1","name":"a\\u0000b"}]'], ['"x"'], ['{']])(
    '10: %s is 400 and keeps nothing',
    async (body) => {
      expect((await call('POST', '/organization/accounts', body)).status).toBe(400);
      expect((await call('GET', '/organization/accounts')).body).toEqual([]);
    },
  );

  test('link customers is done by pending and one account, in either order', async () => {
    await withAccount();
    expect(await stepState('linkCustomers')).toBe('waiting');
    await call('PATCH', '/organization/status/pending');
    expect(await stepState('linkCustomers')).toBe('done');
    ({ integrationId, key } = await connectPush());
    await call('PATCH', '/organization/status/pending');
    expect(await stepState('linkCustomers')).toBe('waiting');
    await withAccount();
    expect(await stepState('linkCustomers')).toBe('done');
    expect(harness.wakes.at(-1)).toMatchObject({ kind: 'connect', id: integrationId });
  });
});

test('13 to 15: services of one organization have their own list', async () => {
  const sent = [{ id: 'Archive 1 TB', name: 'Archive 1 TB' }];
  expect(await call('POST', '/organization/services', sent)).toMatchObject({ status: 201, body: sent });
  expect((await call('GET', '/organization/services?serviceIds[]=Archive%201%20TB')).body).toMatchObject(sent);
  expect((await call('PATCH', '/organization/services/Archive%201%20TB', { name: 'Archive' })).body).toMatchObject({
    name: 'Archive',
  });
  expect((await call('PATCH', '/organization/services', [{ id: 'none' }])).status).toBe(404);
  const skus = (await call('GET', '')).body.data.skus as { id: string }[];
  expect(skus.map(({ id }) => id)).not.toContain('Archive 1 TB');
});

test('16: clients of the PSA, by name, page after page', async () => {
  const { body } = await call('GET', '/organization/clients');
  expect(body).toMatchObject({ meta: expect.any(Object) as object });
  const ids = (body.clients as { id: string }[]).map(({ id }) => id);
  expect(ids.length).toBeGreaterThan(10);
  const next = await call('GET', `/organization/clients?previousId=${ids[3]}`);
  expect((next.body.clients as { id: string }[])[0]?.id).toBe(ids[4]);
  expect((await call('GET', '/organization/clients?search=no-such-client')).body.clients).toEqual([]);
});

describe('counts (8)', () => {
  test('of counts posted all at once by two integrations each gets its own answer', async () => {
    await mapped();
    await withAccount('unmapped');
    const other = await connectPush();
    const otherToken = tokenOf(vendorKey, other.key);
    const account = harness.one.vendorAccount(1);
    const post = () =>
      Array.from({ length: 60 }, async (_, at) => {
        const accountId = [account, 'unmapped', `unknown-${at}`][Math.floor(at / 7) % 3];
        // The other integration has none of these accounts.
        const token = at % 2 === 0 ? undefined : otherToken;
        const { status, body } = await call('POST', '/service/CloudFilter/count', { accountId, unitCount: at }, token);
        return { own: at % 2 === 0, accountId, status, message: (body as { message: string }).message };
      });
    // The first of each is held up in the database, and what comes meanwhile is written together.
    const posted = await harness.db.transaction(async (tx) => {
      await tx.execute(sql`lock table pushed_count in exclusive mode`);
      const underWay = post();
      let still = 0;
      await until('the first of each to be held up, and the others to wait for them', async () => {
        const { rows: sessions } = await harness.db.execute<{ held: number; busy: number }>(sql`
          select count(*) filter (where wait_event_type = 'Lock')::int as held,
                 count(*) filter (where state = 'active' and wait_event_type is distinct from 'Lock')::int as busy
            from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`);
        still = sessions[0]?.held === 2 && sessions[0].busy === 0 ? still + 1 : 0;
        return still === 3;
      });
      return underWay;
    });
    const answers = await Promise.all(posted);
    for (const { own, accountId, status, message } of answers) {
      expect(status).toBe(own && accountId === account ? 201 : 404);
      if (status === 404) expect(message).toBe(`No account map found with id: ${accountId}`);
    }
    const { rows } = await harness.db.execute<{ integration_id: string; vendor_account_id: string }>(
      sql`select integration_id, vendor_account_id from pushed_count
           where integration_id in (${integrationId}, ${other.integrationId}) order by vendor_account_id`,
    );
    expect(rows).toEqual(
      [account, 'unmapped'].toSorted().map((id) => ({ integration_id: integrationId, vendor_account_id: id })),
    );
  });

  test('a mapped pair is 201, and the first of a burst asks for one sync', async () => {
    await mapped();
    const account = harness.one.vendorAccount(1);
    harness.wakes.length = 0;
    for (const unitCount of [12, 0, 2.5]) {
      expect(await count(account, unitCount)).toMatchObject({ status: 201, body: { status: 201 } });
    }
    expect(harness.wakes.filter(({ kind }) => kind === 'sync')).toHaveLength(1);
    expect((await call('GET', '/organization')).body.status).toBe('active');
    const rows = (await harness.dump())['pushed_count'] ?? [];
    expect(rows.filter((row) => row.includes(integrationId))).toHaveLength(1);
    expect(rows.find((row) => row.includes(integrationId))).toMatch(/"quantity": ?2.5/);
  });

  test('an unmapped account is 404 in the real one’s words, and its number is kept', async () => {
    await withAccount('1');
    expect(await count('1', 5)).toMatchObject({
      status: 404,
      body: { statusCode: 404, message: 'No account map found with id: 1' },
    });
    expect((await harness.dump())['pushed_count']?.some((row) => row.includes(integrationId))).toBe(true);
  });

  test('unknown ids are refused and not kept', async () => {
    await withAccount('1');
    expect((await count('2', 5)).status).toBe(404);
    expect((await count('1', 5, '', 'No such service')).status).toBe(404);
    expect((await harness.dump())['pushed_count']?.some((row) => row.includes(integrationId)) ?? false).toBe(false);
  });

  test.each([
    [null, /unitCount must be a number/],
    ['5', /unitCount must be a number/],
    [undefined, /unitCount must be a number/],
    [-1, /unitCount must not be less than 0/],
    [1e15, /unitCount must not be greater than/],
    [true, /unitCount must be a number/],
    [[5], /unitCount must be a number/],
  ])('a count of %j is 400', async (unitCount, message) => {
    await withAccount('1');
    const { status, body } = await count('1', unitCount);
    expect(status).toBe(400);
    expect(body.statusCode).toBe(400);
    expect(body.message).toMatch(message);
  });

  test('a count without an account is 400; with the deprecated clientOId it is taken', async () => {
    await mapped();
    expect((await call('POST', '/service/CloudFilter/count', { unitCount: 5 })).status).toBe(400);
    const body = { accountId: harness.one.vendorAccount(1), unitCount: 5, clientOId: 'something' };
    expect((await call('POST', '/service/CloudFilter/count?no_build=true', body)).status).toBe(201);
  });
});

test('more than 100 requests in a second are 429, and wrong keys are slowed down by address', async () => {
  // A slow machine may not ask as often in a second as is too often.
  const many = await until('more than 100 in one second', async () => {
    const answers = await Promise.all(Array.from({ length: 400 }, () => call('GET', '/organization')));
    return answers.some(({ status }) => status === 429) ? answers : undefined;
  });
  const refused = many.filter(({ status }) => status === 429);
  expect(many.every(({ status }) => status === 200 || status === 429)).toBe(true);
  expect(refused[0]?.body).toMatchObject({ statusCode: 429 });
  const statuses = [];
  for (let n = 0; n < 25; n++)
    statuses.push((await call('GET', '/organization', undefined, tokenOf(vendorKey, `csk_${n}`))).status);
  expect(statuses[0]).toBe(401);
  expect(statuses.at(-1)).toBe(429);
  // Another customer of the vendor, from the same address.
  const other = await connectPush();
  expect((await call('GET', '/organization', undefined, tokenOf(vendorKey, other.key))).status).toBe(200);
});

test('what no vendor has is 404 in its own form, and a body too large 413', async () => {
  expect(await call('GET', '/nothing')).toMatchObject({ status: 404, body: { statusCode: 404 } });
  // Last: the server ends the connection, and others that wait in the client's pool with it.
  const large = JSON.stringify([{ id: '1', name: 'x'.repeat(2_000_000) }]);
  expect(await call('POST', '/organization/accounts', large)).toMatchObject({ status: 413, body: { statusCode: 413 } });
});
