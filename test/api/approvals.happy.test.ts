import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from 'drizzle-orm';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { block, freshCard, seedApproval, seedTenant } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

interface Approval {
  id: string;
  state: string;
  note: string | null;
  lines: { cardId: string; lineId: string; from: number; to: number; state: string }[];
  process: { steps: { step: string; state: string }[] } | null;
}
interface Answer {
  approval: Approval;
  skipped: { cardId: string; reason: string }[];
}
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
  const answer = await harness.admin.call<Answer>('POST', '/v1/approvals', { cardIds: [card.id] });
  expect(answer.status).toBe(202);
  expect(answer.body.approval).toMatchObject({
    state: 'todo',
    process: null,
    lines: [{ state: 'todo', cardId: card.id }],
  });
  expect(answer.body.approval.note).toContain('Writing to this PSA is off');
  expect(harness.wakes).toEqual([]);
});

test('with writing on it is a process that is woken, with the exact write of each card', async () => {
  await writes(true);
  harness.wakes.length = 0;
  const card = await freshCard(harness.one);
  const { approval } = await harness.admin.good<Answer>('POST', '/v1/approvals', { cardIds: [card.id] });
  expect(approval).toMatchObject({
    state: 'requested',
    note: null,
    lines: [
      { lineId: card.write.line.lineId, from: card.write.line.quantity, to: card.write.newQuantity, state: 'intended' },
    ],
  });
  expect(harness.wakes).toMatchObject([
    { kind: 'approveUsage', id: approval.id, organizationId: harness.one.organizationId },
  ]);
  expect(await harness.admin.good('GET', `/v1/approvals/${approval.id}`)).toEqual(approval);
});

test('a card that cannot be approved is left out and said why; the others go on', async () => {
  const card = await freshCard(harness.one);
  const { items } = await harness.admin.good<{ items: { id: string }[] }>('GET', '/v1/cards?flag=needs_choice');
  const { approval, skipped } = await harness.admin.good<Answer>('POST', '/v1/approvals', {
    cardIds: [card.id, items[0]?.id, card.id],
  });
  expect(approval.lines.map((line) => line.cardId)).toEqual([card.id]);
  expect(skipped).toEqual([{ cardId: items[0]?.id, reason: expect.stringContaining('Several lines') }]);
});

test('the same card signed off at the same instant is written once (invariant 5)', async () => {
  for (let round = 0; round < 6; round++) {
    const card = await freshCard(harness.one);
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => harness.admin.call<Answer>('POST', '/v1/approvals', { cardIds: [card.id] })),
    );
    expect(answers.map((answer) => answer.status).toSorted()).toEqual([202, 422, 422, 422, 422, 422, 422, 422]);
  }
  expect(await openWrites()).toEqual([]);
});

test('overlapping batches signed off at the same instant share no card', async () => {
  const cards = (await harness.admin.good<{ items: { id: string }[] }>('GET', '/v1/cards?approvable=true&limit=200'))
    .items;
  const ids = cards.map((card) => card.id);
  const batches = [ids.slice(0, 20), ids.slice(10, 30), ids.slice(5, 25), ids.toReversed()];
  const answers = await Promise.all(
    batches.map((cardIds) => harness.admin.call<Answer>('POST', '/v1/approvals', { cardIds })),
  );
  expect(answers.some((answer) => answer.status === 202)).toBe(true);
  expect(await openWrites()).toEqual([]);
  const { rows: signed } = await harness.db.execute<{ n: number }>(
    sql`select count(distinct line_id)::int as n from approval_line`,
  );
  expect(signed[0]?.n).toBe(ids.length);
});

test('a line of the PSA has one open write, even when another card would write it', async () => {
  const { other } = harness;
  await writes(true, other);
  const caller = harness.as(other.tokens.operate);
  const first = await freshCard(other);
  await caller.good('POST', '/v1/approvals', { cardIds: [first.id] });
  // As after a refresh in which the line changed its product: another card would write it now.
  const second = await freshCard(other);
  await harness.db.execute(sql`
    update card set detail = jsonb_set(detail, '{write,line,lineId}', to_jsonb(${first.write.line.lineId}::text)) where id = ${second.id}`);
  await caller.problem(422, 'nothing-to-approve', 'POST', '/v1/approvals', { cardIds: [second.id] });
  expect(await openWrites()).toEqual([]);
});

test('signing off in bulk takes what needs no look, and counts what needs a choice', async () => {
  const { other } = harness;
  const caller = harness.as(other.tokens.operate);
  const { approval, skipped } = await caller.good<Answer>('POST', '/v1/approvals', {
    bulk: true,
    psaConnectionId: other.psaConnectionId,
  });
  expect(approval.lines.length).toBeGreaterThan(10);
  expect(skipped.map((entry) => entry.reason)).toContainEqual(expect.stringContaining('Several lines'));
  expect(await openWrites()).toEqual([]);
});

test('undo writes the old quantities back, once', async () => {
  const tenant = await seedTenant(harness.db, harness.one.encryption, 'third');
  const caller = harness.as(tenant.tokens.operate);
  await writes(true, tenant);
  const id = await seedApproval(tenant, 'applied');
  const done = await caller.good<Approval>('GET', `/v1/approvals/${id}`);
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => caller.call<Answer>('POST', `/v1/approvals/${id}/undo`)),
  );
  expect(answers.map((answer) => answer.status).toSorted()).toEqual([202, 409, 409, 409, 409]);
  const undone = answers.find((answer) => answer.status === 202)?.body.approval;
  expect(undone?.lines).toMatchObject([
    { lineId: done.lines[0]?.lineId, from: done.lines[0]?.to, to: done.lines[0]?.from },
  ]);
  expect(await openWrites()).toEqual([]);
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
