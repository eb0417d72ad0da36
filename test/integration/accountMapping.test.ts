import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chooseAccount, decideAccount, decideAccounts, mapEqualNames } from '../../commands/accountMapping.ts';
import { readIntegration } from '../../db/queries/integration.ts';
import { stepsOf } from '../../domain/process/steps.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { mapOne, numbers, seedIntegration, stepsBefore } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

const actor = () => ({ organizationId: harness.one.organizationId, name: 'test' });
const many = 5_000;
interface Told {
  actor: string;
  action: string;
  subject: string;
  before: unknown;
  after: unknown;
}
const auditsOf = async (integrationId: string) =>
  (
    await harness.db.execute<Told & Record<string, unknown>>(
      sql`select actor, action, split_part(subject_id, '/', 2) as subject, before, after from audit
           where subject_kind = 'vendor_account' and subject_id like ${`${integrationId}/%`} order by id`,
    )
  ).rows;

/** An integration with many customers whose names are those of as many PSA accounts. */
async function seedEqualNames(): Promise<string> {
  const { one, db } = harness;
  const id = await seedIntegration(one, stepsBefore('matchExactly'));
  await db.execute(sql`
    insert into psa_account (psa_connection_id, id, code, name, active, prospect)
    select ${one.psaConnectionId}::uuid, 'equal-' || n, 'E' || n, 'Equal ' || n, true, false
      from generate_series(1, ${many}::int) n on conflict do nothing`);
  await db.execute(sql`
    insert into vendor_account (integration_id, id, name, linked)
    select ${id}::uuid, 'customer-' || n, 'Equal ' || n, true from generate_series(1, ${many}::int) n`);
  return id;
}

describe('each account whose decision changes has an audit row, and no other', () => {
  test('of thousands that are mapped by their equal names', async () => {
    const id = await seedEqualNames();
    const row = await readIntegration(harness.db, id);
    expect(await harness.db.transaction((tx) => mapEqualNames(tx, row))).toBe(many);
    const told = await auditsOf(id);
    expect(new Set(told.map(({ subject }) => subject)).size).toBe(many);
    expect(told).toHaveLength(many);
    expect(told.find(({ subject }) => subject === 'customer-7')).toEqual({
      actor: 'countersign',
      action: 'account.map',
      subject: 'customer-7',
      before: { excluded: false, psaAccountId: null, how: null },
      after: { excluded: false, psaAccountId: 'equal-7', how: 'exact' },
    });
    // A second look finds nothing left.
    expect(await harness.db.transaction((tx) => mapEqualNames(tx, row))).toBe(0);
    expect(await auditsOf(id)).toHaveLength(many);
  });

  test('of several that are decided at once, in words that say what became of each', async () => {
    const id = await seedIntegration(harness.one, stepsOf.connect);
    await mapOne(harness.one, id);
    const row = await readIntegration(harness.db, id);
    const decide = (n: number, excluded: boolean, psa: number | null) => ({
      vendorAccountId: harness.one.vendorAccount(n),
      excluded,
      psaAccountId: psa === null ? null : harness.one.psaAccount(psa),
    });
    const decideAll = (...decisions: ReturnType<typeof decide>[]) =>
      harness.db.transaction((tx) =>
        decideAccounts(tx, actor(), { integration: row, how: 'person', via: 'file', decisions }),
      );
    await decideAll(decide(1, true, null), decide(2, false, 2), decide(3, false, null));
    await decideAll(decide(1, false, 3), decide(2, false, null), decide(4, true, null));
    await decideAll(decide(4, false, null));
    expect((await auditsOf(id)).map(({ action, after }) => [action, after])).toEqual([
      ['account.exclude', { excluded: true, psaAccountId: null, how: null, by: 'file' }],
      ['account.map', { excluded: false, psaAccountId: harness.one.psaAccount(2), how: 'person', by: 'file' }],
      ['account.map', { excluded: false, psaAccountId: harness.one.psaAccount(3), how: 'person', by: 'file' }],
      ['account.unmap', { excluded: false, psaAccountId: null, how: null, by: 'file' }],
      ['account.exclude', { excluded: true, psaAccountId: null, how: null, by: 'file' }],
      ['account.include', { excluded: false, psaAccountId: null, how: null, by: 'file' }],
    ]);
  });

  test('a decision that is so already leaves none, and wakes nobody', async () => {
    const id = await seedIntegration(harness.one, stepsOf.connect);
    await mapOne(harness.one, id);
    const row = await readIntegration(harness.db, id);
    for (const [n, wish] of [
      [1, { map: harness.one.psaAccount(1) }],
      [1, 'include'],
      [2, 'unmap'],
    ] as const) {
      const decided = { integration: row, vendorAccountId: harness.one.vendorAccount(n), wish, seen: 'anything' };
      expect(await harness.db.transaction((tx) => decideAccount(tx, actor(), decided))).toEqual({ toWake: [] });
    }
    expect(await auditsOf(id)).toEqual([]);
  });
});

test("a customer that nobody has linked is mapped by none, the vendor's console included", async () => {
  const { one, db } = harness;
  const id = await seedIntegration(one, stepsOf.connect);
  const row = await readIntegration(db, id);
  const vendorAccountId = one.vendorAccount(numbers.notLinked);
  const choice = { vendorAccountId, psaAccountId: one.psaAccount(1) };
  expect(await db.transaction((tx) => chooseAccount(tx, actor(), { integration: row, ...choice }))).toEqual({
    mapped: false,
    toWake: [],
  });
  const decisions = [{ ...choice, excluded: false }];
  await db.transaction((tx) => decideAccounts(tx, actor(), { integration: row, how: 'person', decisions }));
  const { rows } = await db.execute(sql`select from account_mapping where integration_id = ${id}`);
  expect(rows).toEqual([]);
  expect(await auditsOf(id)).toEqual([]);
});
