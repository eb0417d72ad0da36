import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { storeVendorAccounts } from '../../db/queries/integration.ts';
import { recomputeConnection } from '../../db/queries/cards.ts';
import { stepsOf } from '../../domain/process/steps.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { customers, numbers, seedIntegration, service } from '../kit/apiTenant.ts';
import { insertAccountMappings } from '../kit/mappings.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

interface Account {
  id: string;
  name: string;
  seats: number | null;
  psaAccountId: string | null;
  psaAccountName: string | null;
  excluded: boolean;
  excludedWhy: string | null;
  together: number;
}
const at = (id = harness.one.integrationId) => `/v1/integrations/${id}`;
const get = <T>(path: string) => harness.admin.good<T>('GET', path);

/** All pages of a list, read `limit` at a time. */
async function walk<T>(path: string, limit: number): Promise<T[]> {
  const items: T[] = [];
  let cursor = '';
  do {
    const page = await get<{ items: T[]; nextCursor: string | null }>(
      `${path}limit=${limit}${cursor === '' ? '' : `&cursor=${cursor}`}`,
    );
    items.push(...page.items);
    cursor = page.nextCursor ?? '';
  } while (cursor !== '');
  return items;
}

describe('vendor accounts by seats', () => {
  const bySeats = (more = '', limit = 200) =>
    walk<Account>(`${at()}/accounts?order=seats&${more}`.replace('&&', '&'), limit);

  test('those with most seats stand first, and the pages join without a gap', async () => {
    const accounts = await bySeats('');
    expect(accounts).toHaveLength(numbers.unmapped);
    expect(accounts.map(({ seats }) => seats)).toEqual(
      accounts.map(({ seats }) => seats).toSorted((a, b) => (b ?? 0) - (a ?? 0)),
    );
    expect(accounts[0]?.seats).toBe(10 + numbers.unmapped - 1);
    expect(await bySeats('', 7)).toEqual(accounts);
  });

  test('several that are mapped to one PSA account stand together, by what they use together; excluded ones last', async () => {
    const [few, many] = [harness.one.vendorAccount(1), harness.one.vendorAccount(customers)];
    await harness.admin.decide('PUT', `${at()}/accounts/${few}`, 'mapping', {
      psaAccountId: harness.one.psaAccount(customers),
    });
    await harness.admin.decide('PUT', `${at()}/accounts/${harness.one.vendorAccount(numbers.unmapped)}`, 'exclusion', {
      reason: 'Our own mailboxes',
    });
    const accounts = await bySeats('', 5);
    expect(accounts.slice(0, 2).map(({ id, together }) => [id, together])).toEqual([
      [many, 2],
      [few, 2],
    ]);
    expect(accounts.at(-1)).toMatchObject({
      id: harness.one.vendorAccount(numbers.unmapped),
      excluded: true,
      excludedWhy: 'Our own mailboxes',
      psaAccountId: null,
    });
    // Another exclusion without a reason has none, also where there was one before.
    const thing = `${at()}/accounts/${harness.one.vendorAccount(numbers.unmapped)}`;
    await harness.admin.good('DELETE', `${thing}/exclusion`);
    expect(await get<Account>(thing)).toMatchObject({ excluded: false, excludedWhy: null });
    await harness.admin.decide('PUT', thing, 'exclusion');
    expect(await get<Account>(thing)).toMatchObject({ excluded: true, excludedWhy: null });
    await harness.admin.good('DELETE', `${thing}/exclusion`);
    await harness.admin.decide('PUT', `${at()}/accounts/${few}`, 'mapping', {
      psaAccountId: harness.one.psaAccount(1),
    });
  });

  test('a search finds a part of the name, and nothing of its signs is a pattern', async () => {
    expect((await bySeats('search=omer+12&')).map(({ name }) => name)).toEqual(['Customer 12']);
    expect(await bySeats('search=Cust%25&')).toEqual([]);
    expect(await bySeats('mapped=false&')).toHaveLength(1);
  });

  test('numbers that the vendor has posted and that are not visible yet count, too', async () => {
    const id = await seedIntegration(harness.one, stepsOf.connect);
    await harness.db.execute(sql`
      insert into pushed_count (integration_id, vendor_account_id, service_id, quantity, build)
      values (${id}, ${harness.one.vendorAccount(3)}, ${service}, 77, true)`);
    const { items } = await get<{ items: Account[] }>(`${at(id)}/accounts?order=seats&limit=1`);
    expect(items[0]).toMatchObject({ id: harness.one.vendorAccount(3), seats: 77 });
    const rest = await get<{ items: Account[] }>(`${at(id)}/accounts?order=seats&limit=2`);
    expect(rest.items[1]?.seats).toBeNull();
  });
});

test('PSA accounts to map to are listed by name, with what is mapped to each', async () => {
  interface Target {
    id: string;
    name: string;
    mapped: number;
  }
  const targets = await walk<Target>(`${at()}/psa-accounts?`, 7);
  expect(targets).toHaveLength(numbers.notLinked);
  const place = ({ name, id }: Target) => `${name} ${id}`;
  expect(targets.map(place)).toEqual(targets.map(place).toSorted());
  const open = await walk<Target>(`${at()}/psa-accounts?mapped=false&`, 50);
  expect(open.map(({ id }) => id).toSorted()).toEqual([
    harness.one.psaAccount(numbers.unmapped),
    harness.one.psaAccount(numbers.notLinked),
  ]);
  expect(await walk<Target>(`${at()}/psa-accounts?mapped=true&`, 50)).toHaveLength(targets.length - 2);
  const byCode = await get<{ items: Target[] }>(`${at()}/psa-accounts?search=C12`);
  expect(byCode.items.map(({ id }) => id)).toEqual([harness.one.psaAccount(12)]);
});

test('accounts whose names look alike say what tells them apart, and why a nearly equal name was not matched', async () => {
  const id = await seedIntegration(harness.one, []);
  const { psaConnectionId } = harness.one;
  const psaAccount = (n: number) => harness.one.psaAccount(n);
  const vendorAccount = (n: number) => harness.one.vendorAccount(n);
  const name = (table: 'psa_account' | 'vendor_account', of: string, as: string) =>
    harness.db.execute(
      table === 'psa_account'
        ? sql`update psa_account set name = ${as} where psa_connection_id = ${psaConnectionId} and id = ${of}`
        : sql`update vendor_account set name = ${as} where integration_id = ${id} and id = ${of}`,
    );
  const before = await walk<{ id: string; name: string }>(`${at(id)}/psa-accounts?`, 200);
  await name('psa_account', psaAccount(1), 'Twin Peaks');
  await name('psa_account', psaAccount(2), 'TWIN-PEAKS');
  await name('psa_account', psaAccount(3), 'Fabrikam  Foods');
  await name('vendor_account', vendorAccount(1), 'Twin Peaks');
  await name('vendor_account', vendorAccount(2), 'Twin  Peaks');
  await name('vendor_account', vendorAccount(3), 'Fabrikam Foods');
  const part = (domain: string) => ({ domain, group: 'All', groupId: domain, quantity: 1 });
  await harness.db.execute(sql`
    insert into usage_count (integration_id, vendor_account_id, service_id, quantity, parts, as_of)
    values (${id}, ${vendorAccount(1)}, ${service}, 4,
            ${JSON.stringify(['d.example', 'b.example', 'a.example', 'c.example'].map(part))}::jsonb, now())`);

  const targets = await walk<{ id: string; apart: string | null }>(`${at(id)}/psa-accounts?`, 200);
  const apartOf = (of: string) => targets.find((target) => target.id === of)?.apart;
  expect(apartOf(psaAccount(1))).toMatch(new RegExp(`^ID ${psaAccount(1)}, code .+, \\d+ additions?$`));
  expect(apartOf(psaAccount(2))).toContain(`ID ${psaAccount(2)}`);
  expect(apartOf(psaAccount(3))).toBeNull();

  interface Shown extends Account {
    apart: string | null;
    psaAccountApart: string | null;
    near: { id: string; reason: string; apart: string | null }[];
  }
  const one = (n: number) => get<Shown>(`${at(id)}/accounts/${vendorAccount(n)}`);
  expect(await one(1)).toMatchObject({
    apart: `ID ${vendorAccount(1)}, a.example, b.example, c.example, …`,
    near: [
      { id: psaAccount(1), reason: 'the same name', apart: apartOf(psaAccount(1)) },
      { id: psaAccount(2), reason: 'the same but for signs and capital letters' },
    ],
  });
  expect(await one(2)).toMatchObject({ apart: `ID ${vendorAccount(2)}` });
  expect(await one(3)).toMatchObject({
    apart: null,
    near: [{ id: psaAccount(3), reason: 'the same but for spaces', apart: null }],
  });
  expect(await one(4)).toMatchObject({ near: [] });
  // In the list it is the same, and in the pair and among the suggestions the account says it, too.
  const listed = await walk<Shown>(`${at(id)}/accounts?order=seats&`, 200);
  expect(listed.find((account) => account.id === vendorAccount(3))?.near).toHaveLength(1);
  await harness.admin.decide('PUT', `${at(id)}/accounts/${vendorAccount(2)}`, 'mapping', {
    psaAccountId: psaAccount(1),
  });
  expect(await one(2)).toMatchObject({ psaAccountApart: apartOf(psaAccount(1)), near: [] });
  // Twins: each says that it is not the only one of its name.
  await name('psa_account', psaAccount(2), 'Twin Peaks');
  expect((await one(1)).near.map(({ reason }) => reason)).toEqual(Array(2).fill('several have this name'));
  const { items } = await get<{ items: { id: string; apart: string | null }[] }>(
    `${at(id)}/accounts/${vendorAccount(1)}/suggestions`,
  );
  expect(items.slice(0, 2).every(({ apart }) => apart?.startsWith('ID '))).toBe(true);
  for (const each of before) await name('psa_account', each.id, each.name);
});

test('what is left is counted: accounts and services, with and without usage', async () => {
  const progress = await get<{ accounts: object; services: object }>(`${at()}/mapping-progress`);
  expect(progress.accounts).toEqual({
    linked: numbers.unmapped,
    mapped: customers + 2,
    exact: 0,
    excluded: 0,
    open: 1,
    openWithUsage: 1,
    openSeats: 10 + numbers.unmapped - 1,
  });
  const { items } = await get<{ items: { id: string; productIds: string[] | null; seats: number | null }[] }>(
    `${at()}/services`,
  );
  expect(progress.services).toEqual({
    total: items.length,
    mapped: 1,
    open: items.length - 1,
    openWithUsage: 0,
    openSeats: 0,
  });
  expect(items.find(({ id }) => id === service)).toMatchObject({
    seats: expect.any(Number) as number,
    customers: numbers.unmapped,
    products: [{ productId: 'MP-usual' }],
  });
});

describe('a preview of a service mapping', () => {
  interface Effect {
    customers: number;
    seats: { before: number; after: number };
    newRevenue: number;
    undecided: number;
    money: { currency: string | null; before: number; after: number }[];
  }
  interface Preview {
    effect: Effect;
    combine: Record<'add' | 'highest' | 'distinct', Effect>;
    fanOut: Record<'parts' | 'alternatives', Effect>;
    rules: Record<string, string | null>;
    feeders: { serviceId: string }[];
  }
  interface Card {
    id: string;
    psaAccountId: string;
    psaProductId: string;
    kind: string;
    usage: number | null;
    target: number | null;
    money: { currency: string | null; amount: number }[];
    flags: { code: string; reason: string }[];
    approvable: boolean;
  }
  interface Wish {
    productIds: string[];
    fanOut?: string;
    rounding?: string;
    combine?: string;
  }
  const preview = (wish: Wish, of = service) => {
    const query = new URLSearchParams(wish.productIds.map((id): [string, string] => ['productId', id]));
    for (const name of ['fanOut', 'rounding', 'combine'] as const) if (wish[name]) query.set(name, wish[name]);
    return get<Preview>(`${at()}/services/${of}/mapping-preview?${query.toString()}`);
  };
  const cardsOf = () => walk<Card>('/v1/cards?', 200);

  /** The same numbers, from what the cards were and are. */
  function outcome(before: readonly Card[], after: readonly Card[], products: readonly string[]): Effect {
    const ours = (cards: readonly Card[]) => cards.filter(({ psaProductId }) => products.includes(psaProductId));
    const plain = (card: Card) =>
      JSON.stringify({ ...card, id: '', changedAt: '', preview: [], write: null, dismissed: false });
    const accounts = [...new Set([...ours(before), ...ours(after)].map(({ psaAccountId }) => psaAccountId))];
    const of = (cards: readonly Card[], account: string) => ours(cards).filter((card) => card.psaAccountId === account);
    const count = (holds: (account: string) => boolean) => accounts.filter(holds).length;
    const sum = (cards: readonly Card[]) => ours(cards).reduce((total, { usage }) => total + (usage ?? 0), 0);
    const money = (cards: readonly Card[], currency: string | null) =>
      ours(cards)
        .flatMap((card) => card.money)
        .filter((each) => each.currency === currency)
        .reduce((total, { amount }) => total + amount, 0);
    const currencies = [
      ...new Set([...ours(before), ...ours(after)].flatMap((card) => card.money.map(({ currency }) => currency))),
    ].toSorted();
    return {
      customers: count((account) => of(before, account).map(plain).join() !== of(after, account).map(plain).join()),
      seats: { before: sum(before), after: sum(after) },
      newRevenue: count((account) => of(after, account).some(({ kind }) => kind === 'new_revenue')),
      undecided: count((account) =>
        of(after, account).some(({ flags }) => flags.some(({ code }) => /^needs_(rule|choice)$/.test(code))),
      ),
      money: currencies
        .map((currency) => ({ currency, before: money(before, currency), after: money(after, currency) }))
        .filter((each) => each.before !== 0 || each.after !== 0),
    };
  }

  test('says what saving then does, number for number, and changes nothing', async () => {
    // Half of the agreements are in another currency: the two must not be added up.
    await harness.db.execute(sql`
      update agreement set currency = 'EUR'
       where psa_connection_id = ${harness.one.psaConnectionId} and right(account_id, 1) in ('1', '3', '5', '7', '9')`);
    await harness.db.transaction((tx) => recomputeConnection(tx, harness.one.psaConnectionId));
    const [usual, other] = [harness.one.product('usual'), harness.one.product('other')];
    // Another service that every second customer uses, so that combining matters.
    await harness.db.execute(sql`
      insert into usage_count (integration_id, vendor_account_id, service_id, quantity, parts, as_of)
      select integration_id, vendor_account_id, 'Bracket', quantity + 3,
             jsonb_build_array(jsonb_build_object('domain', 'a', 'group', 'g', 'groupId', vendor_account_id, 'quantity', quantity + 3)),
             now()
        from usage_count where integration_id = ${harness.one.integrationId} and right(vendor_account_id, 1) in ('2', '4', '6')`);
    await harness.db.execute(sql`
      update usage_count set parts = jsonb_build_array(jsonb_build_object('domain', 'a', 'group', 'g', 'groupId', vendor_account_id, 'quantity', quantity))
       where integration_id = ${harness.one.integrationId} and service_id = ${service}`);
    const steps: [string, Wish][] = [
      ['Bracket', { productIds: [usual] }],
      ['Bracket', { productIds: [usual], combine: 'add' }],
      ['Bracket', { productIds: [usual], combine: 'highest' }],
      ['Bracket', { productIds: [usual, other], combine: 'distinct' }],
      [service, { productIds: [other, usual], fanOut: 'alternatives' }],
      [service, { productIds: [other], rounding: 'up' }],
      ['Bracket', { productIds: [] }],
      [service, { productIds: [usual] }],
    ];
    let touched = 0;
    for (const [of, wish] of steps) {
      const before = await cardsOf();
      const was = await get<{ productIds: string[] | null }>(`${at()}/services/${of}`);
      const dumped = await harness.dump();
      const { effect } = await preview(wish, of);
      expect(await harness.dump(), 'the preview changed something').toEqual(dumped);
      if (wish.productIds.length === 0) await harness.admin.decide('DELETE', `${at()}/services/${of}`, 'mapping');
      else await harness.admin.decide('PUT', `${at()}/services/${of}`, 'mapping', wish);
      const concerned = [...wish.productIds, ...(was.productIds ?? [])];
      expect(effect, JSON.stringify([of, wish])).toEqual(outcome(before, await cardsOf(), concerned));
      touched += effect.customers;
    }
    expect(touched).toBeGreaterThan(100);
    const { effect } = await preview({ productIds: [usual], rounding: 'up' });
    expect(effect.money.map(({ currency }) => currency)).toEqual(['EUR', 'USD']);
  });

  test('shows beside it what each way of combining and sharing would come to, and what else feeds the product', async () => {
    const usual = harness.one.product('usual');
    const shown = await preview({ productIds: [usual] }, 'Bracket');
    expect(shown.feeders.map(({ serviceId }) => serviceId)).toEqual([service]);
    expect(shown.rules).toEqual({ [usual]: 'distinct' });
    const { add, highest, distinct } = shown.combine;
    expect(add.seats.after).toBeGreaterThan(highest.seats.after);
    // Every group has its users under each service, so that here the two come to the same.
    expect(distinct.seats.after).toBe(highest.seats.after);
    expect(shown.effect).toEqual(distinct);
    expect(shown.fanOut.parts).toEqual(shown.effect);
  });

  test('an integration of the same connection is counted, too', async () => {
    const second = await seedIntegration(harness.one, stepsOf.connect);
    const mapping = { vendorAccountId: harness.one.vendorAccount(2), psaAccountId: harness.one.psaAccount(2) };
    await insertAccountMappings(harness.db, second, [mapping], 'person');
    await harness.db.execute(sql`
      insert into usage_count (integration_id, vendor_account_id, service_id, quantity, as_of)
      values (${second}, ${harness.one.vendorAccount(2)}, 'SafeSend', 9, now())`);
    const usual = harness.one.product('usual');
    const { effect } = await get<Preview>(
      `${at(second)}/services/SafeSend/mapping-preview?productId=${usual}&combine=add`,
    );
    expect(effect.customers).toBe(1);
    expect(effect.seats.after - effect.seats.before).toBe(9);
  });
});

test('names with signs of their own are searched for as they are', async () => {
  const id = await seedIntegration(harness.one, stepsOf.connect);
  await harness.db.transaction((tx) =>
    storeVendorAccounts(tx, id, [{ id: 'odd', name: '100% _Mail_ \\ GmbH' }], { whole: false }),
  );
  await harness.db.execute(sql`update vendor_account set linked = true where integration_id = ${id} and id = 'odd'`);
  for (const search of ['100%25', '_Mail_', '%5C+G'])
    expect(
      (await walk<Account>(`${at(id)}/accounts?order=seats&search=${search}&`, 200)).map((each) => each.id),
    ).toEqual(['odd']);
});
