import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { groupBy } from '../../domain/groupBy.ts';
import { recomputeConnection } from '../../db/queries/cards.ts';
import { agreement, agreementLine } from '../../db/schema/index.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { customers, numbers } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

interface Summary {
  found: {
    kind: string;
    currency: string | null;
    cards: number;
    under: { amount: number; cards: number };
    over: { amount: number; cards: number };
    unpriced: number;
    ready: number;
  }[];
  customersWithoutLine: { none: number; ended: number };
  unmapped: { integrationId: string; customers: number; seats: number; largest: { name: string; seats: number }[] }[];
  data: { dataAsOf: string | null; stale: boolean }[];
  connections: { hasApproved: boolean; writesEnabled: boolean; todos: number }[];
}
const summary = () => harness.admin.good<Summary>('GET', '/v1/summary');
const usd = (of: Summary, kind: string) =>
  of.found.find((each) => each.kind === kind && each.currency === 'USD') ?? null;

test('found money is the sum of the cards, apart for what needs a person', async () => {
  // Customer n uses 9 + n, is billed 5, at 2.50 each.
  const amounts = Array.from({ length: customers }, (_, at) => (10 + at - 5) * 2.5);
  const found = await summary();
  expect(usd(found, 'confirmed')).toEqual({
    kind: 'confirmed',
    currency: 'USD',
    cards: customers,
    under: { amount: amounts.reduce((sum, amount) => sum + amount, 0), cards: customers },
    over: { amount: 0, cards: 0 },
    unpriced: 0,
    ready: customers,
  });
  // Two lines of 5 at one price: somebody picks one, the money is the same.
  expect(usd(found, 'check')).toMatchObject({
    under: { amount: (10 + numbers.twoLines - 1 - 10) * 2.5, cards: 1 },
  });
  expect(found.customersWithoutLine).toEqual({ none: 1, ended: 0 });
  expect(found.unmapped).toMatchObject([
    {
      integrationId: harness.one.integrationId,
      customers: 1,
      seats: 10 + numbers.unmapped - 1,
      largest: [{ seats: 10 + numbers.unmapped - 1 }],
    },
  ]);
  expect(found.data).toMatchObject([{ dataAsOf: expect.any(String), stale: expect.any(Boolean) }]);
  expect(found.connections).toMatchObject([{ hasApproved: false, writesEnabled: false, todos: 0 }]);
});

test('currencies are never added up; too much, agreements by the year and what is over stand apart', async () => {
  const before = await summary();
  const { db, one } = harness;
  const agreementOf = (n: number) => eq(agreement.id, `one-agreement-${n}`);
  await db.update(agreement).set({ currency: 'EUR' }).where(agreementOf(1));
  await db.update(agreement).set({ monthly: false, billingCycle: 'Annual' }).where(agreementOf(2));
  await db.update(agreement).set({ status: 'expired' }).where(agreementOf(3));
  await db.update(agreementLine).set({ quantity: 1000 }).where(eq(agreementLine.id, 'one-line-4'));
  await db.transaction((tx) => recomputeConnection(tx, one.psaConnectionId));
  const after = await summary();
  expect(after.found).toContainEqual({
    kind: 'confirmed',
    currency: 'EUR',
    cards: 1,
    under: { amount: 12.5, cards: 1 },
    over: { amount: 0, cards: 0 },
    unpriced: 0,
    ready: 1,
  });
  // Of whatever kind they are, they are those that the list counts as ready.
  const { states } = await harness.admin.good<{ states: { state: string; cards: number }[] }>(
    'GET',
    '/v1/cards/counts',
  );
  expect(after.found.reduce((sum, { ready }) => sum + ready, 0)).toBe(
    states.find(({ state }) => state === 'ready')?.cards,
  );
  expect(usd(after, 'annual')?.under).toEqual({ amount: 15, cards: 1 });
  expect(usd(after, 'expired')?.under).toEqual({ amount: 30, cards: 1 });
  expect(after.customersWithoutLine).toEqual({ none: 1, ended: 1 });
  expect(usd(after, 'confirmed')).toMatchObject({
    under: {
      amount: (usd(before, 'confirmed')?.under.amount ?? 0) - 12.5 - 15 - 17.5 - 20,
      cards: customers - 4,
    },
    over: { amount: (1000 - 13) * 2.5, cards: 1 },
  });
});

test('what is dismissed is not found, and a to-do is counted', async () => {
  const before = usd(await summary(), 'confirmed');
  const { items } = await harness.admin.good<{ items: { id: string; write: object; worth: { amount: number } }[] }>(
    'GET',
    `/v1/cards?psaAccountId=${harness.one.psaAccount(5)}`,
  );
  const [card] = items;
  await harness.admin.good('POST', `/v1/cards/${card?.id}/dismiss`, { reason: 'Ours' });
  expect(usd(await summary(), 'confirmed')?.under).toEqual({
    amount: (before?.under.amount ?? 0) - (card?.worth.amount ?? 0),
    cards: (before?.under.cards ?? 0) - 1,
  });
  await harness.admin.good('DELETE', `/v1/cards/${card?.id}/dismiss`);
  await harness.admin.good('POST', '/v1/approvals', { cards: [{ cardId: card?.id, ...card?.write }] });
  const after = await summary();
  expect(after.connections).toMatchObject([{ todos: 1, hasApproved: false }]);
  // What is approved already is not found a second time.
  expect(usd(after, 'todo')).toMatchObject({ cards: 1, under: { amount: card?.worth.amount, cards: 1 }, ready: 0 });
  expect(usd(after, 'confirmed')?.under.cards).toBe((before?.under.cards ?? 0) - 1);
});

test('found money, the counts of the states and the lists that they lead to say the same numbers', async () => {
  const { db, one } = harness;
  // Beside the to-do: a write under way, a card that was dismissed, one that agrees, and one that a rule keeps from being billed.
  interface Listed {
    id: string;
    write: { lineId: string; to: number } | null;
    state: string;
    worth: { amount: number } | null;
  }
  const cards = async (query: string) => {
    const list = await harness.admin.good<{ items: Listed[]; nextCursor: null }>('GET', `/v1/cards?limit=200&${query}`);
    expect(list.nextCursor).toBeNull();
    return list.items;
  };
  const [written, dismissed, ruled, agreeing] = await cards('state=ready&dismissed=false&pending=none');
  await harness.admin.good('POST', '/v1/approvals', { cards: [{ cardId: written?.id, ...written?.write }] });
  await db.execute(sql`update approval_line set state = 'writing' where card_id = ${written?.id}`);
  await harness.admin.good('POST', `/v1/cards/${dismissed?.id}/dismiss`, { reason: 'Ours' });
  await harness.admin.good('PUT', `/v1/cards/${ruled?.id}/rule`, { rule: { notBilled: true, reason: 'Internal' } });
  await db
    .update(agreementLine)
    .set({ quantity: 0 })
    .where(eq(agreementLine.id, ruled?.write?.lineId ?? ''));
  await db
    .update(agreementLine)
    .set({ quantity: agreeing?.write?.to ?? 0 })
    .where(eq(agreementLine.id, agreeing?.write?.lineId ?? ''));
  await db.transaction((tx) => recomputeConnection(tx, one.psaConnectionId));

  const shown: Record<string, string> = {
    open: 'dismissed=false&pending=none&agrees=false',
    agree: 'dismissed=false&pending=none&agrees=true',
    todo: 'pending=todo',
    writing: 'pending=writing',
    dismissed: 'dismissed=true',
    all: '',
  };
  const lists = new Map<string, string[]>();
  for (const [name, query] of Object.entries(shown)) {
    const { states } = await harness.admin.good<{ states: { state: string; cards: number }[] }>(
      'GET',
      `/v1/cards/counts?${name === 'all' ? 'dismissed=false' : query}`,
    );
    lists.set(
      name,
      (await cards(query)).map(({ id }) => id),
    );
    for (const { state, cards: count } of states) {
      const listed = await cards(`${name === 'all' ? 'dismissed=false' : query}&state=${state}`);
      expect({ name, state, count }).toEqual({ name, state, count: listed.length });
    }
  }
  // Every card is in one of them, and in no other one.
  const { all = [], ...others } = Object.fromEntries(lists);
  expect(Object.values(others).every((ids) => ids.length > 0)).toBe(true);
  expect(Object.values(others).flat().toSorted()).toEqual(all.toSorted());

  const found = groupBy((await summary()).found, ({ kind }) => kind);
  expect([...found.keys()]).toEqual(expect.arrayContaining(['confirmed', 'check', 'not_billed', 'todo', 'writing']));
  for (const [kind, sums] of found) {
    const isApproved = kind === 'todo' || kind === 'writing';
    const listed = await cards(isApproved ? `pending=${kind}` : `found=${kind}&dismissed=false&pending=none`);
    expect({ kind, cards: sums.reduce((sum, each) => sum + each.cards, 0) }).toEqual({ kind, cards: listed.length });
    const worth = listed.reduce((sum, each) => sum + (each.worth?.amount ?? 0), 0);
    expect(sums.reduce((sum, { under, over }) => sum + under.amount - over.amount, 0)).toBeCloseTo(worth, 4);
  }
  const ready = await cards(`${shown['open']}&state=ready`);
  expect([...found.values()].flat().reduce((sum, each) => sum + each.ready, 0)).toBe(ready.length);
  // What has money stands first, then what has no price, and what agrees last, each by its size.
  const rankOf = ({ state, worth }: Listed) =>
    state === 'agrees' ? 3 : worth === null ? 1 : worth.amount === 0 ? 2 : -Math.abs(worth.amount);
  const ranks = (await cards('sort=money')).map(rankOf);
  expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
  expect([...new Set(ranks.map((rank) => Math.max(rank, 0)))]).toEqual(expect.arrayContaining([0, 1, 3]));
});
