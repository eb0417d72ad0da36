import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from 'drizzle-orm';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import type { SeenCard } from '../../db/queries/signOff.ts';
import { claimLine, listApprovalLines } from '../../db/queries/approvals.ts';
import { block, freshCard, seedApproval, seedIntegration, seedTenant, seen, type Tenant } from '../kit/apiTenant.ts';

let harness: ApiHarness;
let third: Tenant;
const thirds = () => harness.as(third.tokens.operate);
beforeAll(async () => {
  harness = await startApi();
  third = await seedTenant(harness.db, harness.one.encryption, 'seen');
});
afterAll(() => harness?.close());

interface Approval {
  id: string;
  state: string;
  note: string | null;
  lines: number;
  counts: Record<string, number>;
  skipped: { reason: string; cards: number }[];
  process: { steps: { step: string; state: string }[] } | null;
}
interface Line {
  id: string;
  cardId: string;
  lineId: string;
  from: number;
  to: number;
  state: string;
  problem: { code: string } | null;
}
interface Skipped {
  cardId: string;
  reason: string;
  words: string;
  asked: object;
  now: object | null;
}
interface Answer {
  approval: Approval;
  skipped: { items: Skipped[]; nextCursor: string | null };
}
const linesOf = async (id: string, caller = harness.admin) =>
  (await caller.good<{ items: Line[] }>('GET', `/v1/approvals/${id}/lines?limit=200`)).items;
const writes = (enabled: boolean, tenant = harness.one) =>
  harness.as(tenant.tokens.admin).good('PUT', `/v1/psa-connections/${tenant.psaConnectionId}/writes`, { enabled });
const openWrites = async () =>
  (
    await harness.db.execute<{ line_id: string; n: number }>(sql`
    select line_id, count(*)::int as n from approval_line
     where state in ('intended', 'writing', 'uncertain', 'todo') group by line_id having count(*) > 1`)
  ).rows;

test('with writing off an approval is a to-do list, and wakes nobody', async () => {
  harness.wakes.length = 0;
  const card = await freshCard(harness.one);
  const answer = await harness.admin.call<Answer>('POST', '/v1/approvals', { cards: [seen(card)] });
  expect(answer.status).toBe(202);
  expect(answer.body.approval).toMatchObject({ state: 'todo', process: null, lines: 1, counts: { todo: 1 } });
  expect(await linesOf(answer.body.approval.id)).toMatchObject([{ state: 'todo', cardId: card.id }]);
  expect(answer.body.approval.note).toContain('Turning writing on writes none of them');
  expect(harness.wakes).toEqual([]);
});

test('with writing on it is a process that is woken, with the exact write of each card', async () => {
  await writes(true);
  harness.wakes.length = 0;
  const card = await freshCard(harness.one);
  const { approval } = await harness.admin.good<Answer>('POST', '/v1/approvals', { cards: [seen(card)] });
  expect(approval).toMatchObject({ state: 'requested', note: null, lines: 1, counts: { intended: 1 } });
  expect(await linesOf(approval.id)).toMatchObject([
    { lineId: card.write.line.lineId, from: card.write.line.quantity, to: card.write.newQuantity, state: 'intended' },
  ]);
  expect(harness.wakes).toMatchObject([
    { kind: 'approveUsage', id: approval.id, organizationId: harness.one.organizationId },
  ]);
  expect(await harness.admin.good('GET', `/v1/approvals/${approval.id}`)).toEqual(approval);
});

test('a card that cannot be approved is left out and said why; the others go on', async () => {
  const card = await freshCard(harness.one);
  const { items } = await harness.admin.good<{ items: { id: string }[] }>('GET', '/v1/cards?flag=needs_choice');
  const { approval, skipped } = await harness.admin.good<Answer>('POST', '/v1/approvals', {
    cards: [seen(card), { cardId: items[0]?.id, lineId: 'x', from: 1, to: 2 }, seen(card)],
  });
  expect((await linesOf(approval.id)).map((line) => line.cardId)).toEqual([card.id]);
  expect(skipped.items).toMatchObject([
    {
      cardId: items[0]?.id,
      reason: 'not_approvable',
      words: expect.stringContaining('Several lines'),
      asked: { lineId: 'x', from: 1, to: 2 },
      now: { lineId: null },
    },
  ]);
  expect(approval.skipped).toEqual([{ reason: 'not_approvable', cards: 1 }]);
});

test.each([
  ['the line', (card: SeenCard) => ({ ...card, lineId: 'another' })],
  ['the quantity it comes from', (card: SeenCard) => ({ ...card, from: card.from + 1 })],
  ['the quantity it goes to', (card: SeenCard) => ({ ...card, to: card.to + 0.5 })],
  ['the day it is first billed', (card: SeenCard) => ({ ...card, effectiveDate: '2098-12-01' })],
  ['that there is a day', (card: SeenCard) => ({ ...card, effectiveDate: null })],
])('a card that shows something else in %s is skipped with both numbers, and the others go through', async (_, was) => {
  const [good, other] = [await freshCard(third), await freshCard(third, 1)];
  const asked = was(seen(other));
  const { approval, skipped } = await thirds().good<Answer>('POST', '/v1/approvals', {
    cards: [asked, seen(good)],
  });
  expect((await linesOf(approval.id, thirds())).map((line) => line.cardId)).toEqual([good.id]);
  const { cardId, ...then } = asked;
  const { cardId: _id, ...now } = seen(other);
  expect(skipped.items).toMatchObject([{ cardId, reason: 'differs', asked: then, now }]);
});

test('the day is not compared when it is not given', async () => {
  const { effectiveDate: _, ...card } = seen(await freshCard(third));
  const { approval } = await thirds().good<Answer>('POST', '/v1/approvals', { cards: [card] });
  expect(approval.lines).toBe(1);
});

test('the same card signed off at the same instant is written once (invariant 5)', async () => {
  for (let round = 0; round < 6; round++) {
    const card = await freshCard(harness.one);
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => harness.admin.call<Answer>('POST', '/v1/approvals', { cards: [seen(card)] })),
    );
    expect(answers.map((answer) => answer.status).toSorted()).toEqual([202, 422, 422, 422, 422, 422, 422, 422]);
  }
  expect(await openWrites()).toEqual([]);
});

test('overlapping batches signed off at the same instant share no card', async () => {
  const { items } = await harness.admin.good<{ items: { id: string; write: object }[] }>(
    'GET',
    '/v1/cards?approvable=true&limit=200',
  );
  // As a page has them that shows the cards.
  const ids = items.map(({ id, write }) => ({ cardId: id, ...write }));
  const batches = [ids.slice(0, 20), ids.slice(10, 30), ids.slice(5, 25), ids.toReversed()];
  const answers = await Promise.all(
    batches.map((cards) => harness.admin.call<Answer>('POST', '/v1/approvals', { cards })),
  );
  expect(answers.some((answer) => answer.status === 202)).toBe(true);
  expect(await openWrites()).toEqual([]);
  const { rows: signed } = await harness.db.execute<{ n: number }>(
    sql`select count(distinct line_id)::int as n from approval_line where line_id like 'one-%'`,
  );
  expect(signed[0]?.n).toBe(ids.length);
});

test('a line of the PSA has one open write, even when another card would write it', async () => {
  const { other } = harness;
  await writes(true, other);
  const caller = harness.as(other.tokens.operate);
  const first = await freshCard(other);
  await caller.good('POST', '/v1/approvals', { cards: [seen(first)] });
  // As after a refresh in which the line changed its product: another card would write it now.
  const second = await freshCard(other);
  await harness.db.execute(sql`
    update card set detail = jsonb_set(detail, '{write,line,lineId}', to_jsonb(${first.write.line.lineId}::text)) where id = ${second.id}`);
  const shown = { ...seen(second), lineId: first.write.line.lineId };
  const problem = await caller.problem(422, 'nothing-to-approve', 'POST', '/v1/approvals', { cards: [shown] });
  expect(problem.detail).toContain('under way');
  expect(await openWrites()).toEqual([]);
});

test('a to-do is replaced when its card is signed off anew, and blocks nothing', async () => {
  const tenant = await seedTenant(harness.db, harness.one.encryption, 'todo');
  const caller = harness.as(tenant.tokens.operate);
  const card = await freshCard(tenant);
  const other = await freshCard(tenant, 1);
  const todo = await caller.good<Answer>('POST', '/v1/approvals', { cards: [seen(card), seen(other)] });
  expect(todo.approval).toMatchObject({ state: 'todo', counts: { todo: 2 } });
  // Writing is turned on: the to-dos stay what they are, until somebody signs them off anew.
  await writes(true, tenant);
  expect(await caller.good('GET', `/v1/approvals/${todo.approval.id}`)).toMatchObject({ counts: { todo: 2 } });
  const { approval } = await caller.good<Answer>('POST', '/v1/approvals', { cards: [seen(card)] });
  expect(approval).toMatchObject({ state: 'requested', counts: { intended: 1 } });
  const [old, left] = await linesOf(todo.approval.id, caller);
  expect(old).toMatchObject({
    cardId: card.id,
    state: 'replaced',
    replacedBy: approval.id,
    settledAt: expect.any(String),
  });
  expect(left).toMatchObject({ cardId: other.id, state: 'todo', replacedBy: null });
  const again = await caller.good<Answer>('POST', '/v1/approvals', { cards: [seen(other)] });
  expect(again.approval.counts).toMatchObject({ intended: 1 });
  expect(await caller.good('GET', `/v1/approvals/${todo.approval.id}`)).toMatchObject({
    state: 'closed',
    note: null,
    counts: { todo: 0, replaced: 2 },
  });
  const { rows } = await harness.db.execute(sql`
    select before, after from audit where subject_id = ${todo.approval.id} and action = 'approval.replace' order by id`);
  expect(rows).toEqual([
    { before: { todo: 1 }, after: { replaced: 1, by: approval.id } },
    { before: { todo: 1 }, after: { replaced: 1, by: again.approval.id, state: 'closed' } },
  ]);
});

test('a to-do list is withdrawn line by line or as a whole, and is closed when nothing is left', async () => {
  const tenant = await seedTenant(harness.db, harness.one.encryption, 'withdrawn');
  const caller = harness.as(tenant.tokens.operate);
  const cards = [seen(await freshCard(tenant)), seen(await freshCard(tenant, 1)), seen(await freshCard(tenant, 2))];
  const { approval } = await caller.good<Answer>('POST', '/v1/approvals', { cards });
  const [first] = await linesOf(approval.id, caller);
  const path = `/v1/approvals/${approval.id}`;
  const one = await caller.good<Approval>('POST', `${path}/lines/${first?.id}/withdraw`);
  expect(one).toMatchObject({ state: 'todo', counts: { todo: 2, withdrawn: 1 } });
  await caller.problem(409, 'not-a-todo', 'POST', `${path}/lines/${first?.id}/withdraw`);
  const all = await caller.good<Approval>('POST', `${path}/withdraw`);
  expect(all).toMatchObject({ state: 'closed', counts: { todo: 0, withdrawn: 3 } });
  await caller.problem(409, 'not-a-todo', 'POST', `${path}/withdraw`);
  // Their cards can be signed off again.
  expect((await caller.good<Answer>('POST', '/v1/approvals', { cards })).approval.lines).toBe(3);
});

test('a person says what the PSA holds, where Countersign cannot know it', async () => {
  const tenant = await seedTenant(harness.db, harness.one.encryption, 'asked');
  const caller = harness.as(tenant.tokens.operate);
  const cases = [
    [(line: Line) => line.to, 'applied', null],
    [(line: Line) => line.to + 1, 'conflict', 'conflict'],
    [(line: Line) => line.from, 'conflict', 'not_written'],
  ] as const;
  for (const [held, state, code] of cases) {
    const id = await seedApproval(tenant, 'asked');
    const [line] = await linesOf(id, caller);
    if (!line) throw new Error('There is no line.');
    const path = `/v1/approvals/${id}/lines/${line.id}/settle`;
    await caller.good('POST', path, { quantity: held(line) });
    const [now] = await linesOf(id, caller);
    expect(now).toMatchObject({ state, problem: code && { code } });
    // The card shows what the person saw; the line is settled, so nobody is asked again.
    expect(await caller.good('GET', `/v1/cards/${line.cardId}`)).toMatchObject({ current: held(line) });
    await caller.problem(409, 'not-asked', 'POST', path, { quantity: held(line) });
  }
});

test('turning writing off makes what is not written yet a to-do list, and turning it on again writes none of it', async () => {
  const tenant = await seedTenant(harness.db, harness.one.encryption, 'stopped');
  const caller = harness.as(tenant.tokens.operate);
  await writes(true, tenant);
  const cards = [seen(await freshCard(tenant)), seen(await freshCard(tenant, 1)), seen(await freshCard(tenant, 2))];
  const { approval } = await caller.good<Answer>('POST', '/v1/approvals', { cards });
  const path = `/v1/approvals/${approval.id}`;
  // The first one is on its way to the PSA.
  const claim = async (at: number) => {
    const line = (await listApprovalLines(harness.db, approval.id, { limit: 3 }))[at];
    if (!line) throw new Error('There is no such line.');
    return claimLine(harness.db, line);
  };
  expect(await claim(0)).toMatchObject({ state: 'writing' });
  await writes(false, tenant);
  expect(await claim(1)).toBeUndefined();
  const stopped = await caller.good<Approval>('GET', path);
  expect(stopped).toMatchObject({ state: 'requested', counts: { writing: 1, todo: 2, intended: 0 } });
  expect(stopped.note).toContain('turned off before 2');
  await writes(true, tenant);
  expect(await caller.good('GET', path)).toMatchObject({ counts: { writing: 1, todo: 2, intended: 0 } });
  expect(await claim(1)).toBeUndefined();
  const { rows } = await harness.db.execute(
    sql`select actor, before, after from audit where subject_id = ${approval.id} and action = 'approval.stop'`,
  );
  expect(rows).toEqual([{ actor: `token:${tenant.adminTokenId}`, before: { intended: 2 }, after: { todo: 2 } }]);
});

test('a line whose claim was given back while writing was turned off is not claimed', async () => {
  const tenant = await seedTenant(harness.db, harness.one.encryption, 'given');
  const id = await seedApproval(tenant);
  const [line] = await listApprovalLines(harness.db, id, { limit: 1 });
  // Seeded as if writing had been on; it is off.
  expect(line).toMatchObject({ state: 'intended' });
  expect(line && (await claimLine(harness.db, line))).toBeUndefined();
  await writes(true, tenant);
  expect(line && (await claimLine(harness.db, line))).toMatchObject({ state: 'writing' });
});

test('undo writes the old quantities back, once', async () => {
  const tenant = await seedTenant(harness.db, harness.one.encryption, 'third');
  const caller = harness.as(tenant.tokens.operate);
  await writes(true, tenant);
  const id = await seedApproval(tenant, 'applied');
  const [done] = await linesOf(id, caller);
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => caller.call<Answer>('POST', `/v1/approvals/${id}/undo`)),
  );
  expect(answers.map((answer) => answer.status).toSorted()).toEqual([202, 409, 409, 409, 409]);
  const undone = answers.find((answer) => answer.status === 202)?.body.approval;
  expect(await linesOf(undone?.id ?? '', caller)).toMatchObject([
    { lineId: done?.lineId, from: done?.to, to: done?.from },
  ]);
  expect(await openWrites()).toEqual([]);
});

interface Undo {
  writesEnabled: boolean;
  lines: number;
  version: string;
  money: { currency: string | null; amount: number; lines: number }[];
  leftOut: { reason: string; lines: number }[];
  items: { lineId: string; from: number; to: number; money: { amount: number }; words: string | null }[];
  nextCursor: string | null;
}

test('an undo is shown line by line before it is made, and is refused when another one would be made by then', async () => {
  const tenant = await seedTenant(harness.db, harness.one.encryption, 'undo');
  const caller = harness.as(tenant.tokens.operate);
  await writes(true, tenant);
  const [first, second, last] = [
    await seedApproval(tenant, 'applied'),
    await seedApproval(tenant, 'applied'),
    await seedApproval(tenant, 'applied'),
  ];
  // Three lines of one approval.
  await harness.db.execute(sql`
    update approval_line l set batch_id = ${first}, position = case l.batch_id when ${second}::uuid then 1 else 2 end
     where l.batch_id in (${second}, ${last})`);
  const done = await linesOf(first, caller);
  expect(done).toHaveLength(3);
  const path = `/v1/approvals/${first}/undo`;
  const shown = await caller.good<Undo>('GET', path);
  expect(shown).toMatchObject({ writesEnabled: true, lines: 3, leftOut: [], nextCursor: null });
  expect(shown.items.map(({ lineId, from, to }) => ({ lineId, from: to, to: from }))).toEqual(
    done.map(({ lineId, from, to }) => ({ lineId, from, to })),
  );
  const cents = (amount: number) => Math.round(amount * 100);
  expect(shown.money).toMatchObject([{ currency: 'USD', lines: 3 }]);
  expect(cents(shown.money[0]?.amount ?? 0)).toBe(shown.items.reduce((sum, { money }) => sum + cents(money.amount), 0));
  expect(shown.money[0]?.amount).toBeLessThan(0);
  // Page by page it is the same, those that are left alone last.
  const [moved, billed] = [done[0], done[1]];
  await harness.db.execute(sql`update agreement_line set quantity = 77 where id = ${moved?.lineId}`);
  const paged: Undo['items'] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: Undo = await caller.good('GET', `${path}?limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`);
    paged.push(...page.items);
    cursor = page.nextCursor;
  }
  expect(paged.map(({ lineId }) => lineId)).toEqual([done[1]?.lineId, done[2]?.lineId, moved?.lineId]);
  expect(paged.at(-1)?.words).toBe(`The line holds 77 now, and not the ${moved?.to} that was written.`);
  // What was shown first is not what would be undone now.
  await caller.problem(409, 'changed-meanwhile', 'POST', `${path}?seen=${shown.version}`);
  const now = await caller.good<Undo>('GET', path);
  expect(now).toMatchObject({ lines: 2, leftOut: [{ reason: 'differs', lines: 1 }] });
  // Neither is a to-do list what was shown as a write.
  await writes(false, tenant);
  await caller.problem(409, 'changed-meanwhile', 'POST', `${path}?seen=${now.version}`);
  await writes(true, tenant);
  const { approval } = await caller.good<Answer>('POST', `${path}?seen=${now.version}`);
  expect(approval).toMatchObject({ lines: 2, skipped: [{ reason: 'differs', cards: 1 }] });
  expect((await caller.good<Undo>('GET', path)).leftOut).toMatchObject(
    expect.arrayContaining([{ reason: 'under_way', lines: 2 }].map((each) => expect.objectContaining(each))),
  );

  // Once written, the lines and their money are those of the undo.
  await harness.db.execute(sql`update approval_line set state = 'applied' where batch_id = ${approval.id}`);
  const undone = await caller.good<Approval & { undone: number; money: Record<string, number>[] }>(
    'GET',
    `/v1/approvals/${first}`,
  );
  expect(undone).toMatchObject({ undone: 2, counts: { applied: 3 } });
  expect(cents(undone.money[0]?.['undone'] ?? 0)).toBe(-cents(now.money[0]?.amount ?? 0));
  // Both rows of the list together are what the PSA holds.
  const undo = await caller.good<{ money: Record<string, number>[] }>('GET', `/v1/approvals/${approval.id}`);
  expect(cents(undone.money[0]?.['written'] ?? 0) + cents(undo.money[0]?.['written'] ?? 0)).toBe(
    cents(undone.money[0]?.['billed'] ?? 0),
  );
  expect(cents(undone.money[0]?.['billed'] ?? 0)).toBe(
    -cents(shown.money[0]?.amount ?? 0) + cents(now.money[0]?.amount ?? 0),
  );
  expect(await linesOf(first, caller)).toMatchObject([
    { lineId: moved?.lineId, undoneBy: null },
    { lineId: billed?.lineId, undoneBy: approval.id, money: { currency: 'USD' } },
    { undoneBy: approval.id },
  ]);
});

test('one line of an approval is shown and undone alone, and the others stay', async () => {
  const tenant = await seedTenant(harness.db, harness.one.encryption, 'undo one');
  const caller = harness.as(tenant.tokens.operate);
  await writes(true, tenant);
  const [first, second] = [await seedApproval(tenant, 'applied'), await seedApproval(tenant, 'applied')];
  await harness.db.execute(sql`update approval_line set batch_id = ${first}, position = 1 where batch_id = ${second}`);
  const [kept, wrong] = await linesOf(first, caller);
  const path = `/v1/approvals/${first}/undo`;
  const one = `${path}?lineId=${wrong?.id}`;
  const shown = await caller.good<Undo>('GET', one);
  expect(shown).toMatchObject({ lines: 1, leftOut: [], items: [{ lineId: wrong?.lineId }] });
  // What was shown of all lines is not what is undone of one, and the other way round.
  const all = await caller.good<Undo>('GET', path);
  await caller.problem(409, 'changed-meanwhile', 'POST', `${one}&seen=${all.version}`);
  await caller.problem(409, 'changed-meanwhile', 'POST', `${path}?seen=${shown.version}`);
  const { approval } = await caller.good<Answer>('POST', `${one}&seen=${shown.version}`);
  expect(approval).toMatchObject({ lines: 1, skipped: [] });
  expect(await linesOf(approval.id, caller)).toMatchObject([
    { lineId: wrong?.lineId, from: wrong?.to, to: wrong?.from },
  ]);
  expect(await caller.good<Undo>('GET', path)).toMatchObject({ lines: 1, items: [{ lineId: kept?.lineId }, {}] });
});

test('an undo leaves alone what a later approval wrote, though the line holds the same number again', async () => {
  const tenant = await seedTenant(harness.db, harness.one.encryption, 'undo old');
  const caller = harness.as(tenant.tokens.operate);
  await writes(true, tenant);
  const [old, other] = [await seedApproval(tenant, 'applied'), await seedApproval(tenant, 'applied')];
  await harness.db.execute(sql`update approval_line set batch_id = ${old}, position = 1 where batch_id = ${other}`);
  const [again, still] = await linesOf(old, caller);
  const undo = (id: string) => `/v1/approvals/${id}/undo`;
  /** Writes the lines of an approval, as its workflow does. */
  const write = async (id: string, quantity: number | undefined) => {
    await harness.db.execute(sql`update approval_line set state = 'applied' where batch_id = ${id}`);
    await harness.db.execute(sql`update approval_batch set state = 'closed' where id = ${id}`);
    await harness.db.execute(sql`update agreement_line set quantity = ${quantity} where id = ${again?.lineId}`);
  };
  const { approval: undone } = await caller.good<Answer>('POST', `${undo(old)}?lineId=${again?.id}`);
  await write(undone.id, again?.from);
  expect((await caller.good<Undo>('GET', undo(old))).items.at(-1)?.words).toContain('set back already');
  // It is approved again, by itself.
  const newer = await seedApproval(tenant, 'applied');
  await harness.db.execute(sql`
    update approval_line l set (card_id, psa_account_id, psa_product_id, agreement_id, line_id, expected_quantity, target)
         = (select o.card_id, o.psa_account_id, o.psa_product_id, o.agreement_id, o.line_id, o.expected_quantity, o.target
              from approval_line o where o.id = ${again?.id})
     where l.batch_id = ${newer}`);
  await write(newer, again?.to);
  const shown = await caller.good<Undo>('GET', undo(old));
  expect(shown).toMatchObject({ lines: 1, items: [{ lineId: still?.lineId }, { lineId: again?.lineId }] });
  expect(shown.items.at(-1)?.words).toContain('A later approval');
  const problem = await caller.problem(409, 'nothing-to-undo', 'POST', `${undo(old)}?lineId=${again?.id}`);
  expect(problem.detail).toContain('A later approval');
  // The newer one is undone as ever.
  expect(await caller.good<Undo>('GET', undo(newer))).toMatchObject({ lines: 1, leftOut: [] });
});

test('undo leaves alone what somebody has changed in the PSA since, and says so with both numbers', async () => {
  const tenant = await seedTenant(harness.db, harness.one.encryption, 'fifth');
  const caller = harness.as(tenant.tokens.operate);
  const id = await seedApproval(tenant, 'applied');
  const [done] = await linesOf(id, caller);
  await harness.db.execute(sql`update agreement_line set quantity = 77 where id = ${done?.lineId}`);
  const problem = await caller.problem(409, 'nothing-to-undo', 'POST', `/v1/approvals/${id}/undo`);
  expect(problem.detail).toContain(`from ${done?.to} to ${done?.from}`);
  expect(problem.detail).toContain('from 77');
});

test('a blocked approval is tried again', async () => {
  const tenant = await seedTenant(harness.db, harness.one.encryption, 'fourth');
  const id = await seedApproval(tenant);
  await block(tenant, { kind: 'approveUsage', id, round: '1', step: 'write' });
  harness.wakes.length = 0;
  const answer = await harness.as(tenant.tokens.operate).call<Approval>('POST', `/v1/approvals/${id}/retry`);
  expect(answer).toMatchObject({
    status: 202,
    body: { id, process: { steps: [{ step: 'write', state: 'blocked' }, {}, {}] } },
  });
  expect(harness.wakes).toMatchObject([{ kind: 'approveUsage', id }]);
});

test('the list has every approval, newest first, by connection, integration, person and state', async () => {
  const listed = await seedTenant(harness.db, harness.one.encryption, 'listed');
  const caller = harness.as(listed.tokens.admin);
  const first = await seedApproval(listed, 'todo');
  const { approval } = await caller.good<Answer>('POST', '/v1/approvals', { cards: [seen(await freshCard(listed))] });
  await seedApproval(listed, 'applied');
  const ids = async (query: string) =>
    (await caller.good<{ items: Approval[] }>('GET', `/v1/approvals?${query}`)).items.map(({ id }) => id);
  const all = await caller.good<{ items: (Approval & { requestedByName: string })[] }>('GET', '/v1/approvals');
  expect(all.items.map(({ state, lines }) => [state, lines])).toEqual([
    ['closed', 1],
    ['todo', 1],
    ['todo', 1],
  ]);
  for (const item of all.items) expect(await caller.good('GET', `/v1/approvals/${item.id}`)).toEqual(item);
  expect(all.items[1]).toMatchObject({ id: approval.id, requestedByName: '"admin"' });
  const whole = all.items.map(({ id }) => id);
  expect(await ids('state=todo')).toEqual(whole.slice(1));
  expect(await ids('by=test')).toEqual([whole[0], first]);
  expect(await ids('by=token')).toEqual([approval.id]);
  expect(await ids(`psaConnectionId=${listed.psaConnectionId}`)).toEqual(whole);
  expect(await ids(`integrationId=${listed.integrationId}`)).toEqual(whole);
  // No service of it is mapped to what was approved.
  expect(await ids(`integrationId=${await seedIntegration(listed, [])}`)).toEqual([]);
  expect(await ids(`psaConnectionId=${harness.one.psaConnectionId}`)).toEqual([]);
  const written = await caller.good<{ items: { id: string; to: number }[] }>('GET', `/v1/approvals/${first}/lines`);
  const file = (await caller.call<string>('GET', `/v1/approvals/${first}/lines.csv`)).body.trimEnd().split('\r\n');
  expect(file.slice(1).map((line) => line.split(',')[0])).toEqual(written.items.map(({ id }) => id));
  const none = await caller.call<string>('GET', `/v1/approvals/${first}/lines.csv?state=conflict`);
  expect(none.body.trimEnd().split('\r\n')).toHaveLength(1);
  const { body } = await caller.call<string>('GET', '/v1/approvals.csv?state=todo');
  expect(
    body
      .trimEnd()
      .split('\r\n')
      .slice(1)
      .map((line) => line.split(',')[0]),
  ).toEqual(whole.slice(1));
});
