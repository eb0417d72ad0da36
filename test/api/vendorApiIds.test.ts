/** Ids in the Vendor API's addresses, however a client puts them there; and what is refused for its id is seen here. */
import { request } from 'node:http';
import { sql } from 'drizzle-orm';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { maxRefused, noteRefused } from '../../db/queries/refusedPosts.ts';
import { service } from '../../db/schema/index.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { mapOne, seedAlerting } from '../kit/apiTenant.ts';
import { callVendorApi, tokenOf, vendorKey } from '../kit/vendorApi.ts';

let harness: ApiHarness;
let integrationId: string;
let token: string;

beforeAll(async () => {
  harness = await startApi({
    env: { VENDOR_API_KEYS: `mailprotector:${vendorKey}`, VENDOR_API_RATE_PER_SECOND: '100000' },
  });
});
afterAll(() => harness?.close());
beforeEach(async () => {
  integrationId = await seedAlerting(harness.one);
  const { key } = await harness.admin.good<{ key: string }>('POST', `/v1/integrations/${integrationId}/key`, {});
  token = tokenOf(vendorKey, key);
});

const call = (method: string, path: string, body?: unknown) => callVendorApi(harness.url, token, method, path, body);

/** The address goes out as it is, byte by byte: `fetch` would tidy it up. */
function send(
  method: string,
  path: string,
  body: unknown,
): Promise<{ status: number; body: { message: string } & Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(harness.url);
    const sent = request(
      {
        hostname,
        port,
        method,
        path: `/api/vendor-api${Buffer.from(path).toString('latin1')}`,
        headers: { 'gradient-token': token },
      },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (part: string) => (text += part));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: JSON.parse(text) as never }));
      },
    );
    sent.on('error', reject);
    sent.end(JSON.stringify(body));
  });
}

const sku = (name: string) => ({ name, description: name, category: 'security', subcategory: 'email security' });
const alert = { alertId: 'a', title: 'A', description: 'B' };
const kept = async () => {
  const { rows } = await harness.db.execute<{ service_id: string; vendor_account_id: string; quantity: number }>(sql`
    select service_id, vendor_account_id, quantity from pushed_count where integration_id = ${integrationId}`);
  return rows;
};
interface Refused {
  kind: string;
  accountId: string;
  serviceId: string;
  reason: { code: string; detail: string };
  times: number;
}
const intake = (query = '') =>
  harness.admin.good<{
    refused: { rows: number; times: number; forgotten: number };
    items: Refused[];
    nextCursor: string | null;
  }>('GET', `/v1/integrations/${integrationId}/intake${query}`);

const anyId = fc.oneof(
  fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }),
  fc.string({ minLength: 1, maxLength: 6, unit: fc.constantFrom('a', ' ', '+', '%', '2', '0', '/', '.', ',', 'ü', '?', '&') }),
  fc.constantFrom('.', '..', 'a+b', 'a b', 'a%20b', '100%', 'Müller, Söhne & Co', 'a/b', 'debug/x'),
).filter((id) => id.trim() !== '' && !/[\0\p{Surrogate}]|%00/u.test(id)); // prettier-ignore
const notInAddresses = /[\0- \x7f-\u{10ffff}?#\\]/gu;
/**
 * The id as it is, but for what cannot stand in an address: it would end it, or part of it. An id such as `%20?` would be
 * half encoded, which nobody can read; it is encoded as a whole.
 */
const raw = (id: string) =>
  id.search(notInAddresses) >= 0 && /%[\da-f]{2}/i.test(id)
    ? encodeURIComponent(id)
    : id.replace(notInAddresses, encodeURIComponent);
const encodings = fc.constantFrom<(id: string) => string>(encodeURIComponent, raw, (id) =>
  new URLSearchParams([['', id]]).toString().slice(1),
);

describe('an id in the address', () => {
  test('of a service that a vendor named is opaque and safe; the name, which was its id, goes on working', async () => {
    const name = 'SpamTitan Seat';
    const made = await call('POST', '/service', sku(name));
    const { _id: id, id: same } =
      (made.body.skus as { name: string; _id: string; id: string }[]).find((each) => each.name === name) ?? {};
    expect(id).toMatch(/^[\w-]+$/);
    expect(same).toBe(id);
    // The same in another integration, as a vendor that keeps it may think.
    expect((await call('POST', '/service', sku(name))).body.skus).toContainEqual(expect.objectContaining({ id }));
    await call('POST', '/organization/accounts', [{ id: '1', name: 'One' }]);
    const paths = [id ?? '', 'SpamTitan%20Seat', 'SpamTitan+Seat', '%53pamTitan+Seat'];
    for (const [at, path] of paths.entries()) {
      const answer = await send('POST', `/service/${path}/count`, { accountId: '1', unitCount: at + 1 });
      expect(answer.body.message).toBe('No account map found with id: 1');
      expect(await kept()).toMatchObject([{ quantity: at + 1, vendor_account_id: '1' }]);
      expect((await send('GET', `/service/${path}`, undefined)).body).toMatchObject({ data: { skus: [{ id, name }] } });
    }
    // Catalogued ones have their own ids.
    expect(made.body.skus).toContainEqual(expect.objectContaining({ id: 'CloudFilter', _id: 'CloudFilter' }));
    expect((await intake()).items).toEqual([]);
  });

  test(
    'of any service that was made before is found, or said to be ambiguous, and never another one',
    { timeout: 180_000 },
    async () => {
      await call('POST', '/organization/accounts', [{ id: '1', name: 'One' }]);
      await fc.assert(
        fc.asyncProperty(fc.uniqueArray(anyId, { minLength: 1, maxLength: 4 }), encodings, async (ids, encode) => {
          await harness.db.execute(sql`delete from service where integration_id = ${integrationId}`);
          await harness.db.insert(service).values(ids.map((id) => ({ integrationId, id, name: `Name of ${id}` })));
          for (const id of ids) {
            await harness.db.execute(sql`delete from pushed_count where integration_id = ${integrationId}`);
            const answer = await send('POST', `/service/${encode(id)}/count`, { accountId: '1', unitCount: 1 });
            expect((await kept()).map((row) => row.service_id)).toEqual(answer.status === 409 ? [] : [id]);
            if (answer.status === 409) expect(ids.length).toBeGreaterThan(1);
          }
        }),
        { numRuns: 25 },
      );
    },
  );

  test(
    'of any account is found for an alert and a change, or said to be ambiguous, and never another one',
    { timeout: 180_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.uniqueArray(anyId, { minLength: 1, maxLength: 4 }), encodings, async (ids, encode) => {
          await harness.db.execute(sql`delete from alert where integration_id = ${integrationId}`);
          await call(
            'POST',
            '/organization/accounts',
            ids.map((id) => ({ id, name: 'x' })),
          );
          const known = ((await call('GET', '/organization/accounts')).body as { id: string }[]).map(({ id }) => id);
          for (const id of ids) {
            const changed = await send('PATCH', `/organization/accounts/${encode(id)}`, { description: `of ${id}` });
            const posted = await send('POST', `/alerting/${encode(id)}`, { ...alert, alertId: 'one' });
            if (changed.status === 409) {
              expect(posted.status).toBe(409);
              expect(known.length).toBeGreaterThan(1);
              continue;
            }
            expect(changed.body).toMatchObject({ id, description: `of ${id}` });
            const told = await harness.admin.good<{ vendorAccountId: string }>(
              'GET',
              `/v1/alerts/${posted.body['messageId'] as string}`,
            );
            expect(told.vendorAccountId).toBe(id);
          }
        }),
        { numRuns: 15 },
      );
    },
  );

  test('that two may have is 409, nothing is kept, and it is seen here', async () => {
    await call('POST', '/organization/accounts', [
      { id: 'a b', name: 'x' },
      { id: 'a+b', name: 'y' },
    ]);
    expect((await send('POST', '/alerting/a+b', alert)).status).toBe(409);
    expect((await send('POST', '/alerting/a%2Bb', alert)).status).toBe(201);
    expect((await send('POST', '/alerting/a%20b', alert)).status).toBe(201);
    await call('POST', '/service', sku('a b'));
    await call('POST', '/service', sku('a+b'));
    expect((await send('POST', '/service/a+b/count', { accountId: 'a b', unitCount: 1 })).status).toBe(409);
    expect(await kept()).toEqual([]);
    // The alert was taken since then.
    expect((await intake()).items).toMatchObject([
      { kind: 'count', serviceId: 'a+b', reason: { code: 'ambiguous-id' } },
    ]);
  });

  test('with commas is read in a query where that is unambiguous', async () => {
    const ids = ['a', 'b', 'Smith, Jones'];
    await call(
      'POST',
      '/organization/accounts',
      ids.map((id) => ({ id, name: id })),
    );
    const asked = async (query: string) => {
      const { status, body } = await call('GET', `/organization/accounts?${query}`);
      return status === 200 ? (body as { id: string }[]).map(({ id }) => id).toSorted() : status;
    };
    expect(await asked('accountIds=a,b')).toEqual(['a', 'b']);
    expect(await asked('accountIds[]=Smith,%20Jones&accountIds[]=a')).toEqual(['Smith, Jones', 'a']);
    expect(await asked('accountIds=b,Smith,+Jones')).toEqual(['Smith, Jones', 'b']);
    await call('POST', '/organization/accounts', [{ id: 'a,b', name: 'both' }]);
    expect(await asked('accountIds=a,b')).toBe(409);
  });

  test('that nobody knows and that is not encoded as one is 400; bytes that are no UTF-8 are no id', async () => {
    for (const path of ['/alerting/nobody%FF', '/alerting/no/body', '/alerting/100%']) {
      expect(await send('POST', path, alert)).toMatchObject({
        status: 400,
        body: { message: 'The address is not valid' },
      });
    }
    await call('POST', '/organization/accounts', [{ id: '100%', name: 'x' }]);
    expect((await send('POST', '/alerting/100%', alert)).status).toBe(201);
    expect((await send('POST', '/alerting/a%00b', alert)).status).toBe(400);
  });
});

describe('posts that are refused', () => {
  const count = (accountId: unknown, serviceId = 'CloudFilter', unitCount: unknown = 1) =>
    call('POST', `/service/${serviceId}/count`, { accountId, unitCount });

  test('are kept with their ids, how often and why, and go when one of them is taken', async () => {
    for (let time = 0; time < 3; time++) await count('nobody');
    await count(harness.one.vendorAccount(1), 'Nothing');
    await count('nobody', 'CloudFilter', null);
    const shown = await intake();
    expect(shown.refused).toEqual({ rows: 2, times: 5, forgotten: 0 });
    expect(shown.items).toMatchObject([
      {
        kind: 'count',
        accountId: 'nobody',
        serviceId: 'CloudFilter',
        times: 4,
        reason: { code: 'invalid', detail: 'unitCount must be a number' },
      },
      {
        kind: 'count',
        accountId: harness.one.vendorAccount(1),
        serviceId: 'Nothing',
        times: 1,
        reason: { code: 'unknown-service' },
      },
    ]);
    const health = () =>
      harness.admin.good<{ refusedPosts: number; state: string }>('GET', `/v1/integrations/${integrationId}/health`);
    expect(await health()).toMatchObject({ refusedPosts: 2, state: 'attention' });
    const metrics = await (await fetch(`${harness.url}/metrics`)).text();
    expect(metrics).toContain(`countersign_refused_posts{integration="${integrationId}"} 2`);
    expect(metrics).toContain(`countersign_refused_posts_ever{integration="${integrationId}"} 5`);

    await call('POST', '/organization/accounts', [{ id: 'nobody', name: 'Somebody' }]);
    expect((await intake()).items).toHaveLength(2);
    await count('nobody');
    expect((await intake()).items.map(({ serviceId }) => serviceId)).toEqual(['Nothing']);
    await call('POST', '/service', sku('Nothing'));
    await count(harness.one.vendorAccount(1), 'Nothing');
    expect(await intake()).toMatchObject({ refused: { rows: 0, times: 5 }, items: [] });
  });

  test('as alerts: of an integration without alerts, and in a form that is none', async () => {
    await harness.db.execute(sql`update integration set modules = '{billing}' where id = ${integrationId}`);
    expect((await call('POST', '/alerting/1', alert)).status).toBe(403);
    expect((await call('POST', '/alerting/2', { ...alert, title: 7 })).status).toBe(400);
    expect((await intake()).items).toMatchObject([
      { kind: 'alert', accountId: '2', serviceId: '', reason: { code: 'invalid', detail: 'title must be a string' } },
      { kind: 'alert', accountId: '1', serviceId: '', reason: { code: 'no-alerts' } },
    ]);
    await harness.db.execute(sql`update integration set modules = '{billing,alerts}' where id = ${integrationId}`);
    expect((await call('POST', '/alerting/1', alert)).status).toBe(201);
    expect((await intake()).items.map(({ accountId }) => accountId)).toEqual(['2']);
  });

  test('are bounded, and what there is no room for is counted; page by page each is seen once', async () => {
    const posts = Array.from({ length: maxRefused + 50 }, (_, at) => ({
      kind: 'count' as const,
      vendorAccountId: `account ${at}`,
      serviceId: 'x',
      code: 'unknown-account' as const,
      detail: '',
    }));
    for (let from = 0; from < posts.length; from += 150) {
      const [one, ...more] = posts.slice(from, from + 150);
      if (one) await noteRefused(harness.db, integrationId, [one, ...more]);
    }
    const seen = new Set<string>();
    let cursor: string | null = '';
    while (cursor !== null) {
      const page = await intake(`?limit=200${cursor ? `&cursor=${cursor}` : ''}`);
      expect(page.refused).toEqual({ rows: maxRefused, times: maxRefused + 50, forgotten: 50 });
      for (const { accountId } of page.items) {
        expect(seen.has(accountId)).toBe(false);
        seen.add(accountId);
      }
      cursor = page.nextCursor;
    }
    expect(seen.size).toBe(maxRefused);
    expect(seen.has('account 1049')).toBe(true);
  });

  test('at once of one integration all are noted', async () => {
    await mapOne(harness.one, integrationId).catch(() => undefined);
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, at) => count(at % 3 === 0 ? harness.one.vendorAccount(1) : `unknown ${at % 7}`)),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(20);
    expect((await intake()).refused).toEqual({ rows: 7, times: 40, forgotten: 0 });
  });
});
