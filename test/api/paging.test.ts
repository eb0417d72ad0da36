import { sql } from 'drizzle-orm';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { storeVendorAccounts } from '../../db/queries/integration.ts';
import { audit } from '../../commands/actor.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { customers } from '../kit/apiTenant.ts';

interface Page {
  items: { id: string | number }[];
  nextCursor: string | null;
}

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
  // Many runs of one moment: a cursor that were a time would lose some.
  await harness.db.execute(sql`
    insert into sync_run (integration_id, state, started_at)
    select ${harness.one.integrationId}, 'applied', now() - (n / 7) * interval '0.1 milliseconds' from generate_series(1, 40) n`);
  for (let n = 0; n < 30; n++) await writeAudit(n);
  await addIntegrations(30);
});
afterAll(() => harness?.close());

/** Integrations of one moment. */
const addIntegrations = (count: number) =>
  harness.db.execute(sql`
    insert into integration (organization_id, psa_connection_id, vendor, intake, modules)
    select organization_id, psa_connection_id, vendor, intake, modules from integration, generate_series(1, ${count})
     where id = ${harness.one.integrationId}`);

const writeAudit = (n: number) =>
  audit(harness.db, { ...harness.one, name: 'test' }, { action: 'test.page', subjectKind: 'test', subjectId: `${n}` });

const lists = () => {
  const { psaConnectionId, integrationId } = harness.one;
  return {
    cards: '/v1/cards?',
    'cards by account': '/v1/cards?sort=account&',
    'cards by product': '/v1/cards?sort=product&',
    'cards by difference': '/v1/cards?sort=difference&',
    'cards by money': '/v1/cards?sort=money&',
    'cards that are searched for': '/v1/cards?sort=account&search=company&',
    'PSA accounts': `/v1/psa-connections/${psaConnectionId}/accounts?`,
    'PSA products': `/v1/psa-connections/${psaConnectionId}/products?`,
    customers: `/v1/integrations/${integrationId}/customers?`,
    accounts: `/v1/integrations/${integrationId}/accounts?`,
    'accounts by seats': `/v1/integrations/${integrationId}/accounts?order=seats&`,
    'PSA accounts to map to': `/v1/integrations/${integrationId}/psa-accounts?`,
    integrations: '/v1/integrations?',
    syncs: `/v1/integrations/${integrationId}/syncs?`,
    audit: '/v1/audit?',
    approvals: '/v1/approvals?',
    'lines of the month-end sheet': '/v1/month-end/lines?',
  };
};
const names = [
  'cards',
  'cards by account',
  'cards by product',
  'cards by difference',
  'cards by money',
  'cards that are searched for',
  'PSA accounts',
  'PSA products',
  'customers',
  'accounts',
  'accounts by seats',
  'PSA accounts to map to',
  'integrations',
  'syncs',
  'audit',
  'approvals',
  'lines of the month-end sheet',
] as const;

async function walk(
  list: string,
  limit: number,
  between: (page: number) => Promise<void>,
): Promise<(string | number)[]> {
  const ids: (string | number)[] = [];
  let cursor: string | null = null;
  let page = 0;
  do {
    const query: string = `${list}limit=${limit}${cursor ? `&cursor=${cursor}` : ''}`;
    const answer: Page = await harness.admin.good<Page>('GET', query);
    expect(answer.items.length).toBeLessThanOrEqual(limit);
    // Only the last page may be short.
    expect(answer.nextCursor === null || answer.items.length === limit).toBe(true);
    ids.push(...answer.items.map((item) => item.id));
    cursor = answer.nextCursor;
    await between(page++);
  } while (cursor);
  return ids;
}

let added = 0;
/** One more row for every list, somewhere in its order. */
async function addRows(where: number): Promise<void> {
  const n = added++;
  const { one, db } = harness;
  const place = `one-${'acevz'[where % 5]}-new-${n}`;
  await storeVendorAccounts(db as never, one.integrationId, await existing(place));
  await db.execute(sql`update vendor_account set linked = true where id = ${place}`);
  await db.execute(
    sql`insert into psa_account values (${one.psaConnectionId}, ${place}, null, ${`Company ${where}`}, true, false)`,
  );
  await db.execute(sql`insert into psa_product values (${one.psaConnectionId}, ${place}, 'P', 'P', true, true, true)`);
  await db.execute(sql`insert into sync_run (integration_id, state) values (${one.integrationId}, 'applied')`);
  await addIntegrations(1);
  await db.execute(sql`
    insert into card (organization_id, psa_connection_id, psa_account_id, psa_product_id, kind, flags, current, difference,
                      approvable, bulk_approvable, detail, account_name, product_name, amount)
    select organization_id, psa_connection_id, ${place}, psa_product_id, kind, flags, current, ${where}, false, false, detail,
           ${`Company ${where}`}, product_name, ${where % 3 === 0 ? null : where}
      from card where psa_account_id = ${one.psaAccount(1)}`);
  await writeAudit(n);
}

async function existing(place: string): Promise<{ id: string; name: string }[]> {
  const { rows } = await harness.db.execute<{ id: string; name: string }>(
    sql`select id, name from vendor_account where integration_id = ${harness.one.integrationId}`,
  );
  return [...rows, { id: place, name: place }];
}

describe.each(names)('the list of %s', (name) => {
  test('is complete and without repeats, page by page, while rows are added', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 60 }).filter((limit) => name === 'PSA products' || limit > 4),
        fc.array(fc.nat(20), { maxLength: 4 }),
        async (limit, additions) => {
          const before = await walk(lists()[name], 200, async () => undefined);
          const ids = await walk(lists()[name], limit, async (page) => {
            const where = additions[page];
            if (where !== undefined) await addRows(where);
          });
          expect(new Set(ids).size, 'no id comes twice').toBe(ids.length);
          expect(
            before.filter((id) => !ids.includes(id)),
            'nothing that was there is left out',
          ).toEqual([]);
        },
      ),
      { numRuns: 6 },
    );
  });

  test('refuses a cursor that it did not give out', async () => {
    const encode = (place: string) => Buffer.from(place).toString('base64url');
    const bad = ['x', '!!!', encode('\0'), encode('a\0b'), `${encode('a')}=`, encode(''), 'A'.repeat(499), '_w'];
    if (name !== 'customers' && name !== 'accounts' && !name.startsWith('PSA')) {
      bad.push(
        encode('x'),
        encode('{}'),
        encode('{"id":1}'),
        encode('null'),
        encode('1e999'),
        encode("1'; drop table card"),
      );
      bad.push(encode('{"by":["a\\u0000","b"],"id":"0b8f9c1e-5d2c-4c53-9d0e-3f6f3a3f1d11"}'));
      bad.push(encode('{"by":[1e999],"id":"0b8f9c1e-5d2c-4c53-9d0e-3f6f3a3f1d11"}'));
      bad.push(encode('{"by":["a"],"id":"0b8f9c1e-5d2c-4c53-9d0e-3f6f3a3f1d11"}'));
    }
    for (const cursor of bad) {
      await harness.admin.problem(400, 'invalid-cursor', 'GET', `${lists()[name]}cursor=${encodeURIComponent(cursor)}`);
    }
    for (const limit of ['0', '-1', '201', 'x', '1.5', '']) {
      await harness.admin.problem(400, 'invalid-request', 'GET', `${lists()[name]}limit=${limit}`);
    }
  });
});

test('a cursor of one order of cards is refused by another, and of another tenant leads nowhere', async () => {
  const { nextCursor } = await harness.admin.good<Page>('GET', '/v1/cards?sort=account&limit=5');
  await harness.admin.problem(400, 'invalid-cursor', 'GET', `/v1/cards?sort=difference&cursor=${nextCursor}`);
  const theirs = harness.as(harness.other.tokens.read);
  const { items } = await theirs.good<{ items: { psaAccountId: string }[] }>(
    'GET',
    `/v1/cards?sort=account&cursor=${nextCursor}`,
  );
  for (const item of items) expect(item.psaAccountId).toMatch(/^other-/);
  const run = await harness.admin.good<Page>('GET', `/v1/integrations/${harness.one.integrationId}/syncs?limit=1`);
  const page = await theirs.good<Page>(
    'GET',
    `/v1/integrations/${harness.other.integrationId}/syncs?cursor=${run.nextCursor}`,
  );
  expect(page.items.length).toBeLessThanOrEqual(1);
});

test('cards come in the order that was asked for', async () => {
  interface Cards {
    items: { psaAccountName: string; difference: number | null }[];
  }
  const byName = await harness.admin.good<Cards>('GET', '/v1/cards?sort=account&limit=200');
  const seen = byName.items.map((item) => item.psaAccountName);
  expect(seen).toEqual(seen.toSorted());
  expect(seen.length).toBeGreaterThan(customers);
  const bySize = await harness.admin.good<Cards>('GET', '/v1/cards?sort=difference&limit=200');
  const sizes = bySize.items.map((item) => (item.difference === null ? -1 : Math.abs(item.difference)));
  expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
});
