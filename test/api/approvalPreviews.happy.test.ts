import { afterAll, beforeAll, expect, test } from 'vitest';
import { eq, sql, type SQL } from 'drizzle-orm';
import { psaConnection } from '../../db/schema/index.ts';
import type { PsaCaps } from '../../domain/psaCaps.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { freshCard, seedTenant, seen, type Tenant } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

interface Line {
  cardId: string;
  lineId: string;
  from: number;
  to: number;
}
interface Skipped {
  cardId: string;
  reason: string;
}
interface Answer {
  approval: { id: string; skipped: { reason: string; cards: number }[] };
  skipped: { items: Skipped[] };
}
interface Preview {
  id: string;
  cards: number;
  customers: number;
  approvedSince: { approvalId: string; cards: number }[];
  money: object[];
  leftOut: { reason: string; cards: number }[];
  proration: string[];
  approvalId: string | null;
}
interface PreviewLine extends Line {
  psaAccountId: string;
  effectiveDate: string | null;
}
const previewOf = async (tenant: Tenant, filter?: object) => {
  const body = { psaConnectionId: tenant.psaConnectionId, ...(filter ? { filter } : {}) };
  const caller = harness.as(tenant.tokens.operate);
  const preview = await caller.good<Preview>('POST', '/v1/approvals/previews', body);
  const path = `/v1/approvals/previews/${preview.id}/lines?limit=200`;
  return { ...preview, lines: (await caller.good<{ items: PreviewLine[] }>('GET', path)).items };
};
const turnWritesOn = (tenant: Tenant) =>
  harness
    .as(tenant.tokens.admin)
    .good('PUT', `/v1/psa-connections/${tenant.psaConnectionId}/writes`, { enabled: true });

test('a preview shows the exact writes, what they are worth, and what is left out and why', async () => {
  const { other } = harness;
  await turnWritesOn(other);
  const busy = await freshCard(other);
  await harness.as(other.tokens.operate).good('POST', '/v1/approvals', { cards: [seen(busy)] });
  const preview = await previewOf(other);
  expect(preview.cards).toBeGreaterThan(10);
  expect(preview.lines).toHaveLength(preview.cards);
  expect(preview.lines.every((line) => line.from < line.to && line.effectiveDate === '2099-01-01')).toBe(true);
  // Each unit costs 2.50.
  const units = preview.lines.reduce((sum, line) => sum + line.to - line.from, 0);
  expect(preview.money).toEqual([{ currency: 'USD', amount: units * 2.5, notBilled: false, cards: preview.cards }]);
  const file = await harness
    .as(other.tokens.read)
    .call<string>('GET', `/v1/approvals/previews/${preview.id}/lines.csv`);
  expect(
    file.body
      .trimEnd()
      .split('\r\n')
      .slice(1)
      .map((line) => line.split(',')[0]),
  ).toEqual(preview.lines.map(({ cardId }) => cardId));
  const leftOut = Object.fromEntries(preview.leftOut.map(({ reason, cards }) => [reason, cards]));
  expect(leftOut).toMatchObject({ needs_choice: 1, not_writable: 1, under_way: expect.any(Number) });
  // Nothing is known of what this PSA prorates, then it prorates by line.
  expect(preview.proration).toEqual([]);
  const caps = { takesEffect: 'dated', proration: 'perLine' };
  await harness.db
    .update(psaConnection)
    .set({ caps: caps as PsaCaps })
    .where(eq(psaConnection.id, other.psaConnectionId));
  expect((await previewOf(other)).proration).toEqual([expect.stringContaining('prorates is set on the line')]);
  await harness.db.update(psaConnection).set({ caps: null }).where(eq(psaConnection.id, other.psaConnectionId));
  const [line] = preview.lines;
  const filtered = await previewOf(other, { psaAccountId: line?.psaAccountId });
  expect(filtered.lines).toEqual([line]);
  expect([preview.customers, filtered.customers]).toEqual([
    new Set(preview.lines.map(({ psaAccountId }) => psaAccountId)).size,
    1,
  ]);
});

test('a preview says which of its cards were approved since it was made, and forgets a to-do that was withdrawn', async () => {
  const tenant = await seedTenant(harness.db, harness.one.encryption, 'meanwhile');
  const caller = harness.as(tenant.tokens.operate);
  const preview = await previewOf(tenant);
  const since = async (id: string) => (await caller.good<Preview>('GET', `/v1/approvals/previews/${id}`)).approvedSince;
  expect(preview.approvedSince).toEqual([]);
  const [first, second, third] = preview.lines;
  const approve = async (cards: (PreviewLine | undefined)[]) =>
    (
      await caller.good<Answer>('POST', '/v1/approvals', {
        cards: cards.map((each) => each && { cardId: each.cardId, lineId: each.lineId, from: each.from, to: each.to }),
      })
    ).approval.id;
  const two = await approve([first, second]);
  const one = await approve([third]);
  expect(await since(preview.id)).toEqual([
    { approvalId: one, cards: 1 },
    { approvalId: two, cards: 2 },
  ]);
  // A later preview of the same cards has nothing before it, and its own approval is no other one.
  const later = await previewOf(tenant);
  expect(later.approvedSince).toEqual([]);
  await caller.good('POST', `/v1/approvals/${one}/withdraw`);
  expect(await since(preview.id)).toEqual([{ approvalId: two, cards: 2 }]);
  await caller.good('POST', '/v1/approvals', { previewId: later.id });
  expect(await since(later.id)).toEqual([]);
});

test('a card whose next invoice date has passed since it was computed is in no preview, and a preview that has it skips it', async () => {
  const tenant = await seedTenant(harness.db, harness.one.encryption, 'overnight');
  const caller = harness.as(tenant.tokens.operate);
  await turnWritesOn(tenant);
  const { id, cards, lines } = await previewOf(tenant);
  const [first] = lines;
  // The night in which the day of both passes: of the card, and of what the preview showed of it.
  await harness.db.execute(
    sql`update card set detail = jsonb_set(detail, '{write,line,asOf}', '"2020-01-01"') where id = ${first?.cardId}`,
  );
  await harness.db.execute(
    sql`update approval_preview_line set effective_date = '2020-01-01' where card_id = ${first?.cardId}`,
  );
  const answer = await caller.good<Answer>('POST', '/v1/approvals', { previewId: id });
  expect(answer.approval.skipped).toMatchObject([{ reason: 'date_passed', cards: 1 }]);
  expect(answer.skipped.items).toMatchObject([{ cardId: first?.cardId, words: expect.stringMatching(/has passed/) }]);
  const next = await previewOf(tenant);
  expect(next.leftOut).toContainEqual(expect.objectContaining({ reason: 'date_passed', cards: 1 }));
  expect(next.lines.map((line) => line.cardId)).not.toContain(first?.cardId);
  expect(cards).toBe(lines.length);
});

test('a preview is signed off as it was shown: what differs since is skipped with both numbers', async () => {
  const tenant = await seedTenant(harness.db, harness.one.encryption, 'previewed');
  const caller = harness.as(tenant.tokens.operate);
  await turnWritesOn(tenant);
  const preview = await previewOf(tenant);
  const [target, line, day, gone, dismissed, ...rest] = preview.lines;
  const change = (card: PreviewLine | undefined, set: SQL) =>
    harness.db.execute(sql`update card set ${set} where id = ${card?.cardId}`);
  const at = (path: string, value: unknown) =>
    sql`detail = jsonb_set(detail, ${path}::text[], ${JSON.stringify(value)}::jsonb)`;
  await change(target, at('{write,newQuantity}', 99));
  await change(line, at('{write,line,lineId}', 'elsewhere'));
  await change(day, at('{write,line,asOf}', '2099-02-01'));
  await harness.db.execute(sql`delete from card where id = ${gone?.cardId}`);
  await change(dismissed, sql`dismissed = true`);

  const answer = await caller.good<Answer>('POST', '/v1/approvals', { previewId: preview.id });
  expect(answer.approval).toMatchObject({ lines: rest.length, counts: { intended: rest.length } });
  const signed = (
    await caller.good<{ items: Line[] }>('GET', `/v1/approvals/${answer.approval.id}/lines?limit=200`)
  ).items.map((each) => [each.cardId, each.lineId, each.from, each.to]);
  expect(signed).toEqual(rest.map((each) => [each.cardId, each.lineId, each.from, each.to]));
  const skipped = new Map(answer.skipped.items.map((each) => [each.cardId, each]));
  expect(skipped.get(target?.cardId ?? '')).toMatchObject({
    asked: { to: target?.to },
    now: { to: 99 },
    reason: 'differs',
  });
  expect(skipped.get(line?.cardId ?? '')).toMatchObject({ now: { lineId: 'elsewhere' }, reason: 'differs' });
  expect(skipped.get(day?.cardId ?? '')).toMatchObject({
    asked: { effectiveDate: '2099-01-01' },
    now: { effectiveDate: '2099-02-01' },
    reason: 'differs',
    words: expect.stringContaining('first billed on 2099-02-01'),
  });
  expect(skipped.get(gone?.cardId ?? '')).toMatchObject({ reason: 'gone', now: null });
  expect(skipped.get(dismissed?.cardId ?? '')).toMatchObject({ reason: 'dismissed' });
  expect(answer.approval.skipped).toEqual([
    { reason: 'differs', cards: 3 },
    { reason: 'dismissed', cards: 1 },
    { reason: 'gone', cards: 1 },
  ]);
  // The list is the same, and goes by reason.
  const path = `/v1/approvals/${answer.approval.id}/skipped`;
  const { items } = await caller.good<{ items: Skipped[] }>('GET', `${path}?reason=differs&limit=2`);
  expect(items.map((each) => each.cardId)).toEqual([target?.cardId, line?.cardId]);
  expect(await caller.good<Preview>('GET', `/v1/approvals/previews/${preview.id}`)).toMatchObject({
    approvalId: answer.approval.id,
  });
  const { rows } = await harness.db.execute(
    sql`select actor, after from audit where subject_id = ${answer.approval.id} and action = 'approval.create'`,
  );
  expect(rows).toMatchObject([
    {
      actor: expect.stringContaining('token:'),
      after: { previewId: preview.id, cards: preview.cards, lines: rest.length, skipped: 5 },
    },
  ]);
});

test('a preview is signed off once, whoever asks at the same instant', async () => {
  const tenant = await seedTenant(harness.db, harness.one.encryption, 'twice');
  const caller = harness.as(tenant.tokens.operate);
  const { id, cards } = await previewOf(tenant);
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => caller.call<Answer>('POST', '/v1/approvals', { previewId: id })),
  );
  expect(answers.map((answer) => answer.status).toSorted()).toEqual([202, 409, 409, 409, 409]);
  const { rows } = await harness.db.execute<{ n: number }>(
    sql`select count(*)::int as n from approval_line l join approval_batch b on b.id = l.batch_id where b.preview_id = ${id}`,
  );
  expect(rows).toEqual([{ n: cards }]);
});
