import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { recomputeCards } from '../../db/queries/cards.ts';
import { agreementLine } from '../../db/schema/index.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { numbers } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

interface Card {
  id: string;
  psaAccountId: string;
  kind: string;
  flags: { code: string }[];
  target: number | null;
  approvable: boolean;
  bulkApprovable: boolean;
  dismissed: boolean;
  lines: { lineId: string }[];
  write: { lineId: string; from: number; to: number } | null;
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
  const past = { until: 'date', date: '2000-01-01', reason: 'Over' };
  expect((await harness.admin.good<Card>('POST', `/v1/cards/${id}/dismiss`, past)).dismissed).toBe(false);
});
