import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { recomputeCards } from '../../db/queries/cards.ts';
import { agreementLine } from '../../db/schema/index.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { numbers, seedAlert } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

interface Card {
  id: string;
  psaAccountId: string;
  psaAccountName: string;
  kind: string;
  flags: { code: string }[];
  target: number | null;
  current: number;
  difference: number | null;
  approvable: boolean;
  bulkApprovable: boolean;
  dismissed: boolean;
  lines: { lineId: string }[];
  write: { lineId: string; from: number; to: number; effectiveDate: string | null } | null;
  explanation: { counts: { vendorAccountId: string; quantity: number }[]; rule: { author: string } | null };
}
const list = async (query: string) =>
  (await harness.admin.good<{ items: Card[] }>('GET', `/v1/cards?limit=200&${query}`)).items;
const only = async (n: number) => {
  const [card] = await list(`psaAccountId=${harness.one.psaAccount(n)}`);
  if (!card) throw new Error('There is no such card.');
  return card;
};

test('cards are found by account, kind, flag, whether they can be approved, and whether they are dismissed', async () => {
  const all = await list('');
  expect(all).toHaveLength(numbers.noLine);
  expect((await list('approvable=true')).map((card) => card.id)).toEqual(
    all.filter((card) => card.approvable).map((card) => card.id),
  );
  expect((await list('approvable=false')).length).toBe(all.filter((card) => !card.approvable).length);
  expect((await list('kind=new_revenue')).map((card) => card.psaAccountId)).toEqual([
    harness.one.psaAccount(numbers.noLine),
  ]);
  expect((await list('flag=needs_choice')).map((card) => card.psaAccountId)).toEqual([
    harness.one.psaAccount(numbers.twoLines),
  ]);
  expect(await list(`psaConnectionId=${harness.other.psaConnectionId}`)).toEqual([]);
  expect(await list('dismissed=true')).toEqual([]);
});

test('one card explains its number: counts, lines, and the write it would make', async () => {
  const { id } = await only(1);
  const card = await harness.admin.good<Card>('GET', `/v1/cards/${id}`);
  expect(card.explanation.counts).toMatchObject([
    { vendorAccountId: harness.one.vendorAccount(1), quantity: card.target },
  ]);
  expect(card.write).toMatchObject({ lineId: card.lines[0]?.lineId, to: card.target });
});

test('lines show when they begin and end and which they follow; credits and lines that are over are named with the reason', async () => {
  const { id, target } = await only(4);
  const agreement = { psaConnectionId: harness.one.psaConnectionId, agreementId: 'one-agreement-4', version: '1' };
  const extra = { ...agreement, productId: harness.one.product('usual'), unitPrice: 2.5, includedQuantity: 0 };
  const billing = { billing: 'billable' as const, status: 'active' as const };
  await harness.db.transaction(async (tx) => {
    await tx.update(agreementLine).set({ effectiveTo: '2099-01-15' }).where(eq(agreementLine.id, 'one-line-4'));
    await tx.insert(agreementLine).values([
      { ...extra, ...billing, id: 'one-line-4-next', quantity: 6, effectiveFrom: '2099-01-15' },
      { ...extra, ...billing, id: 'one-line-4-credit', quantity: -2 },
    ]);
    await recomputeCards(tx, harness.one.psaConnectionId, [harness.one.psaAccount(4)]);
  });
  expect(await harness.admin.good('GET', `/v1/cards/${id}`)).toMatchObject({
    flags: [{ code: 'check_first', reason: 'credit' }],
    bulkApprovable: false,
    write: { lineId: 'one-line-4-next', from: 6, to: target },
    lines: [
      {
        lineId: 'one-line-4-next',
        readOn: '2099-01-01',
        effectiveFrom: '2099-01-15',
        effectiveTo: null,
        succeeds: [{ lineId: 'one-line-4', quantity: 5, effectiveTo: '2099-01-15' }],
      },
    ],
    leftOut: [
      { lineId: 'one-line-4', effectiveTo: '2099-01-15', reason: 'succeeded', agreementName: 'Agreement 4' },
      { lineId: 'one-line-4-credit', quantity: -2, unitPrice: 2.5, reason: 'credit' },
    ],
  });
  expect(await list('kind=only_credits')).toEqual([]);
});

test('a line of an absurd price holds up no card', async () => {
  const priced = (unitPrice: number) =>
    harness.db.transaction(async (tx) => {
      await tx.update(agreementLine).set({ unitPrice }).where(eq(agreementLine.id, 'one-line-4-next'));
      await recomputeCards(tx, harness.one.psaConnectionId, [harness.one.psaAccount(4)]);
    });
  await priced(1e300);
  expect(await only(4)).toMatchObject({ unitPrice: { amount: 1e300 } });
  await priced(2.5);
});

test('a picked line takes the difference, until the pick is taken back', async () => {
  const { id, approvable } = await only(numbers.twoLines);
  expect(approvable).toBe(false);
  const lineId = `one-line-${numbers.twoLines}-second`;
  for (const method of ['PUT', 'DELETE'] as const) {
    const picked = await harness.admin.good<Card>('PUT', `/v1/cards/${id}/line`, { lineId });
    expect(picked).toMatchObject({ id, approvable: true, write: { lineId } });
    const back = await harness.admin.good<Card>(
      method,
      `/v1/cards/${id}/line`,
      method === 'PUT' ? { lineId: null } : undefined,
    );
    expect(back).toMatchObject({ approvable: false, write: null });
  }
});

test('a rule changes the target, is kept with its author, and is taken back', async () => {
  const before = await only(2);
  for (const method of ['PUT', 'DELETE'] as const) {
    const rule = { minimum: 500, reason: 'Contract' };
    const ruled = await harness.admin.good<Card>('PUT', `/v1/cards/${before.id}/rule`, { rule });
    expect(ruled).toMatchObject({
      target: 500,
      rule: { ...rule, words: 'at least 500' },
      explanation: { rule: { ...rule, author: `token:${harness.one.adminTokenId}`, authorName: '"admin"' } },
    });
    const body = method === 'PUT' ? { rule: null } : undefined;
    expect(await harness.admin.good<Card>(method, `/v1/cards/${before.id}/rule`, body)).toMatchObject({
      target: before.target,
    });
  }
});

test('a dismissal lasts until a number changes, this period, or a date, or until it is taken back', async () => {
  const { id } = await only(3);
  for (const until of [{}, { until: 'period' }, { until: 'date', date: '2999-01-01' }]) {
    const body = { reason: 'Asked the customer', ...until };
    expect((await harness.admin.good<Card>('POST', `/v1/cards/${id}/dismiss`, body)).dismissed).toBe(true);
    expect((await list('dismissed=true')).map((card) => card.id)).toEqual([id]);
    expect((await harness.admin.good<Card>('DELETE', `/v1/cards/${id}/dismiss`)).dismissed).toBe(false);
  }
  await harness.admin.good<Card>('POST', `/v1/cards/${id}/dismiss`, { reason: 'Until it changes' });
  const changed = await harness.admin.good<Card>('PUT', `/v1/cards/${id}/rule`, {
    rule: { offset: 1, reason: 'One more' },
  });
  expect(changed.dismissed).toBe(false);
});

test('cards are found by what is typed, by integration, by direction and by what they ask of a person', async () => {
  const all = await list('sort=account');
  const named = await list('search=PANY%203&sort=account');
  expect(named.map((card) => card.id)).toEqual(
    all.filter((card) => card.psaAccountName === 'Company 3').map((card) => card.id),
  );
  expect(named.length).toBeGreaterThan(3);
  expect((await list('search=mp-usual')).length).toBe(all.length);
  expect(await list('search=%25%25')).toEqual([]);
  expect((await list(`integrationId=${harness.one.integrationId}`)).length).toBe(all.length);
  expect(await list(`integrationId=${harness.other.integrationId}`)).toEqual([]);
  expect((await list(`psaProductId=${harness.one.product('usual')}`)).length).toBe(all.length);
  const under = await list('direction=under');
  expect(under.every((card) => (card.difference ?? 0) > 0)).toBe(true);
  expect(under.length + (await list('direction=over')).length).toBe(all.filter((card) => card.difference).length);
  expect((await list('state=needs_choice')).map((card) => card.psaAccountId)).toEqual([
    harness.one.psaAccount(numbers.twoLines),
  ]);
  expect((await list('state=ready')).every((card) => card.bulkApprovable)).toBe(true);
});

test('the counts are those of the lists, under the same filter', async () => {
  interface Counts {
    states: { state: string; cards: number }[];
    dismissed: number;
    total: number;
  }
  const { id } = await only(9);
  await harness.admin.good('POST', `/v1/cards/${id}/dismiss`, { reason: 'Counted apart' });
  for (const filter of ['', 'search=company%202&', 'direction=under&']) {
    const counts = await harness.admin.good<Counts>('GET', `/v1/cards/counts?${filter}`);
    expect(counts.total).toBe((await list(filter)).length);
    expect(counts.dismissed).toBe((await list(`${filter}dismissed=true`)).length);
    for (const { state, cards } of counts.states)
      expect(cards, `${filter}${state}`).toBe((await list(`${filter}dismissed=false&state=${state}`)).length);
  }
  await harness.admin.good('DELETE', `/v1/cards/${id}/dismiss`);
});

test('the sums of groups are those of the cards in them, under the same filter, each currency by itself', async () => {
  interface Group {
    name: string;
    cards: number;
    difference: number | null;
    money: { currency: string | null; amount: number }[];
  }
  interface Summed {
    psaAccountName: string;
    productId: string;
    difference: number | null;
    worth: { currency: string | null; amount: number } | null;
  }
  // One of two customers of a name is billed in another currency.
  const one = ((await list('search=company%203')) as unknown as (Summed & { id: string })[]).find(({ worth }) => worth);
  await harness.db.execute(sql`update card set currency = 'CAD' where id = ${one?.id}`);
  for (const [by, filter] of [
    ['account', ''],
    ['account', 'search=company%203&'],
    ['account', 'direction=over&'],
    ['product', ''],
  ] as const) {
    const cards = (await list(`${filter}sort=${by}`)) as unknown as Summed[];
    const nameOf = (card: Summed) => (by === 'account' ? card.psaAccountName : card.productId);
    const groups: Group[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const at: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const page: { items: Group[]; nextCursor: string | null } = await harness.admin.good(
        'GET',
        `/v1/cards/groups?${filter}by=${by}&limit=3${at}`,
      );
      groups.push(...page.items);
      cursor = page.nextCursor;
    }
    expect(groups.map(({ name }) => name)).toEqual([...new Set(cards.map(nameOf))]);
    for (const { name, ...sums } of groups) {
      const within = cards.filter((card) => nameOf(card) === name);
      const money = new Map<string | null, number>();
      for (const { worth } of within)
        if (worth) money.set(worth.currency, (money.get(worth.currency) ?? 0) + worth.amount);
      const known = within.flatMap(({ difference }) => difference ?? []);
      expect(sums, name).toEqual({
        cards: within.length,
        difference: known.length === 0 ? null : known.reduce((sum, each) => sum + each, 0),
        money: [...money]
          .map(([currency, amount]) => ({ currency, amount }))
          .toSorted((a, b) => ((a.currency ?? '') < (b.currency ?? '') ? -1 : 1)),
      });
    }
  }
  expect(await harness.admin.good('GET', '/v1/cards/groups?by=account&search=company%203')).toMatchObject({
    items: [{ money: [{ currency: 'CAD' }, { currency: 'USD' }] }],
  });
  // Its file has a line for each currency.
  const { body } = await harness.admin.call<string>('GET', '/v1/cards/groups.csv?by=account&search=company%203');
  expect(
    body
      .trimEnd()
      .split('\r\n')
      .map((line) => line.split(',').at(-1)),
  ).toEqual(['currency', 'CAD', 'USD']);
  await harness.db.execute(sql`update card set currency = 'USD' where id = ${one?.id}`);
});

test('several cards are dismissed for one reason, each with its audit row and who did it', async () => {
  const cards = [await only(11), await only(12), await only(13)];
  const cardIds = cards.map(({ id }) => id);
  const body = { cardIds, reason: 'They are moving away' };
  expect(await harness.admin.good('POST', '/v1/cards/dismiss', body)).toEqual({ dismissed: 3 });
  const dismissed = await list('dismissed=true');
  expect(dismissed.map((card) => card.id).toSorted()).toEqual(cardIds.toSorted());
  const by = `token:${harness.one.adminTokenId}`;
  expect(dismissed[0]).toMatchObject({ dismissal: { reason: body.reason, until: 'change', reviewed: false, by } });
  expect(await harness.admin.good('GET', `/v1/cards/${cardIds[0]}`)).toMatchObject({ names: { [by]: '"admin"' } });
  const { rows } = await harness.db.execute(
    sql`select subject_id from audit where action = 'card.dismiss' and after->'dismissal'->>'reason' = ${body.reason}`,
  );
  expect(rows.map((row) => row['subject_id']).toSorted()).toEqual(cardIds.toSorted());
  for (const id of cardIds) await harness.admin.good('DELETE', `/v1/cards/${id}/dismiss`);
});

test('reviewed without a change holds until a number changes', async () => {
  const { id, target, current } = await only(14);
  const reviewed = await harness.admin.good<Card>('POST', `/v1/cards/${id}/review`, { seen: { target, current } });
  expect(reviewed).toMatchObject({ dismissed: true, dismissal: { reviewed: true, reason: 'Reviewed, no change' } });
  const rule = { offset: 1, reason: 'One more' };
  expect(await harness.admin.good('PUT', `/v1/cards/${id}/rule`, { rule })).toMatchObject({
    dismissed: false,
    dismissal: null,
  });
  await harness.admin.good('DELETE', `/v1/cards/${id}/rule`);
});

test('a card shows what was approved of it, by whom, and what of that is under way', async () => {
  const { id, write } = await only(15);
  const { approval } = await harness.admin.good<{ approval: { id: string } }>('POST', '/v1/approvals', {
    cards: [{ cardId: id, ...write }],
  });
  const by = `token:${harness.one.adminTokenId}`;
  const [shown] = await list('pending=todo');
  expect(shown).toMatchObject({ id, pending: { approvalId: approval.id, state: 'todo', to: write?.to, by } });
  expect(await list('pending=writing')).toEqual([]);
  const card = await harness.admin.good<Card>('GET', `/v1/cards/${id}`);
  expect(card).toMatchObject({
    approvals: [{ approvalId: approval.id, state: 'todo', by }],
    names: { [by]: '"admin"' },
  });
  expect(card.explanation.counts).toMatchObject([
    {
      vendorAccountName: expect.any(String),
      serviceName: 'CloudFilter',
      // The fixture's numbers come from no run.
      runId: expect.any(String),
      mappedHow: 'person',
      rounding: 'none',
    },
  ]);
  await harness.admin.good('POST', `/v1/approvals/${approval.id}/withdraw`);
  expect(await list('pending=todo')).toEqual([]);
});

test('accounts of one name are told apart in the cards, at month end and in the alerts, as in the mapping lists', async () => {
  const { psaConnectionId, integrationId } = harness.one;
  const psaAccount = (n: number) => harness.one.psaAccount(n);
  const vendorAccount = (n: number) => harness.one.vendorAccount(n);
  const twins = [psaAccount(1), psaAccount(2)];
  await harness.db.execute(sql`
    update psa_account set name = case id when ${psaAccount(3)} then 'Lonely Lodge' else 'Twin Peaks' end where psa_connection_id = ${psaConnectionId}
       and id in (${twins[0]}, ${twins[1]}, ${psaAccount(3)})`);
  await harness.db.execute(sql`
    update vendor_account set name = 'Twin Peaks' where integration_id = ${integrationId}
       and id in (${vendorAccount(1)}, ${vendorAccount(2)})`);
  const cards = await harness.admin.good<{ items: { psaAccountId: string; psaAccountApart: string | null }[] }>(
    'GET',
    '/v1/cards?limit=200',
  );
  const customers = await harness.admin.good<typeof cards>('GET', '/v1/month-end/customers?limit=200');
  for (const { items } of [cards, customers]) {
    expect(items.filter(({ psaAccountId }) => twins.includes(psaAccountId))).toHaveLength(2);
    expect(items.find(({ psaAccountId }) => psaAccountId === psaAccount(3))).toMatchObject({ psaAccountApart: null });
    for (const { psaAccountId, psaAccountApart } of items) {
      if (twins.includes(psaAccountId))
        expect(psaAccountApart).toMatch(new RegExp(`^ID ${psaAccountId}, .*additions?$`));
    }
  }
  const alertId = await seedAlert(harness.one, 'parked', { integrationId, accountId: vendorAccount(2) });
  const alert = await harness.admin.good<{ accountApart: string | null }>('GET', `/v1/alerts/${alertId}`);
  expect(alert.accountApart).toContain(`ID ${vendorAccount(2)}`);
});
