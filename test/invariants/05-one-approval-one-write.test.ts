import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  connectAll,
  seenOf,
  signOff,
  untilApprovalClosed,
  type ApprovalView,
  type CardView,
  type ClosedApproval,
} from '../../dev/walkthrough/guide.ts';
import { startSystem, type System } from '../kit/system.ts';
import { until } from '../../dev/until.ts';

let system: System;
let cards: CardView[];

beforeAll(async () => {
  system = await startSystem();
  const { psaConnectionId } = await connectAll(system);
  await system.api.put(`/v1/psa-connections/${psaConnectionId}/writes`, { enabled: true });
  cards = (await system.api.all<CardView>('/v1/cards')).filter((card) => card.bulkApprovable);
  expect(cards.length).toBeGreaterThan(8);
});
afterAll(() => system?.close());
beforeEach(async () => {
  await system.connectwise.clearFaults();
  await system.connectwise.clearLog();
});

/** Each test signs off a card of its own. */
async function approveOne(): Promise<ApprovalView> {
  return (await signOff(system, [nextCard()])).approval;
}

function nextCard(): CardView {
  const card = cards.pop();
  if (!card) throw new Error('No card is left to sign off.');
  return card;
}

async function untilTodo(id: string): Promise<ApprovalView> {
  return until('what is on its way to end', async () => {
    const now = await system.api.get<ApprovalView>(`/v1/approvals/${id}`);
    return now.state === 'todo' ? now : undefined;
  });
}

async function quantityOf(lineId: string): Promise<number | undefined> {
  const { companies } = await system.connectwise.state<{
    companies: { agreements: { lines: { id: number; quantity: number }[] }[] }[];
  }>();
  return companies
    .flatMap((company) => company.agreements.flatMap((agreement) => agreement.lines))
    .find((addition) => String(addition.id) === lineId)?.quantity;
}

test('a PATCH that fails after it was committed ends applied, after a re-read, with exactly one PATCH', async () => {
  await system.connectwise.fault({ kind: 'afterCommit', method: 'PATCH', status: 500 });
  const approval = await untilApprovalClosed(system, (await approveOne()).id);
  expect(approval.lines[0]?.state).toBe('applied');
  expect(await system.connectwise.log('PATCH')).toHaveLength(1);
  expect(await quantityOf(approval.lines[0]?.lineId ?? '')).toBe(approval.lines[0]?.to);
});

test('a PATCH that times out after it was committed ends applied, with exactly one PATCH', async () => {
  await system.connectwise.fault({ kind: 'afterCommit', method: 'PATCH', then: 'hang' });
  const approval = await untilApprovalClosed(system, (await approveOne()).id);
  expect(approval.lines[0]?.state).toBe('applied');
  expect(await system.connectwise.log('PATCH')).toHaveLength(1);
});

test('a PATCH whose connection broke before it was taken is claimed once more, and only once more', async () => {
  await system.connectwise.fault({ kind: 'drop', method: 'PATCH', times: null });
  const approval = await untilApprovalClosed(system, (await approveOne()).id);
  expect(approval.lines[0]).toMatchObject({ state: 'rejected', problem: { code: 'write_not_taken' } });
  expect(await system.connectwise.log('PATCH')).toHaveLength(2);
  expect(await quantityOf(approval.lines[0]?.lineId ?? '')).toBe(approval.lines[0]?.from);
});

test('a line somebody changed in the PSA is a conflict and is not written', async () => {
  const card = nextCard();
  const detail = await system.api.get<{ write: { lineId: string; from: number }; lines: { agreementId: string }[] }>(
    `/v1/cards/${card.id}`,
  );
  await system.connectwise.change({
    change: 'setQuantity',
    agreementId: Number(detail.lines[0]?.agreementId),
    lineId: Number(detail.write.lineId),
    quantity: 777,
  });
  const { approval } = await signOff(system, [card]);
  const closed = await untilApprovalClosed(system, approval.id);
  expect(closed.lines[0]?.state).toBe('conflict');
  expect(await system.connectwise.log('PATCH')).toHaveLength(0);
  // The card shows what the PSA holds now.
  const after = await system.api.get<CardView>(`/v1/cards/${card.id}`);
  expect(after.current).toBe(777);
});

test('a line that has ended since its card was computed is not written', async () => {
  const card = nextCard();
  await system.database.db.execute(
    sql`update agreement_line set effective_to = (now() at time zone 'utc')::date where id = ${card.write?.lineId}`,
  );
  const { approval } = await signOff(system, [card]);
  const closed = await untilApprovalClosed(system, approval.id);
  expect(closed.lines[0]).toMatchObject({ state: 'rejected', problem: { code: 'line_ended' } });
  expect(await system.connectwise.log('PATCH')).toHaveLength(0);
});

test('a worker killed between its write and its answer writes nothing twice', async () => {
  // The PATCH is committed and then never answered, so the worker dies in the middle of it.
  await system.connectwise.fault({ kind: 'afterCommit', method: 'PATCH', then: 'hang' });
  const { id } = await approveOne();
  await until('the PATCH to arrive', async () => (await system.connectwise.log('PATCH')).length === 1);
  await system.killWorker();
  await system.startWorker();
  const approval = await untilApprovalClosed(system, id);
  expect(approval.lines[0]?.state).toBe('applied');
  expect(await system.connectwise.log('PATCH')).toHaveLength(1);
});

test('a line whose claim is given back after all steps but the last is written all the same', async () => {
  const { db } = system.database;
  // As a writer does that was thought dead: its line was on its way while the others settled.
  await db.execute(sql`create sequence given_back`);
  await db.execute(sql`
    create function give_back() returns trigger language plpgsql as $$ begin
      if nextval('given_back') = 1 then
        update approval_line set state = 'intended', claims = 0, settled_at = null where batch_id::text = new.id;
      end if;
      return null;
    end $$`);
  await db.execute(sql`
    create trigger give_back after update on process_step for each row
      when (new.kind = 'approveUsage' and new.step = 'settle' and new.state = 'done') execute function give_back()`);
  const approval = await untilApprovalClosed(system, (await approveOne()).id);
  expect(approval.lines.map((line) => line.state)).toEqual(['already']);
  expect(await system.connectwise.log('PATCH')).toHaveLength(1);
  await db.execute(sql`drop trigger give_back on process_step`);
});

test('turning writing off stops a running batch before its next line; the rest is a to-do list that the next read verifies', async () => {
  await system.connectwise.fault({ kind: 'latency', method: 'PATCH', ms: 900, times: null });
  const { approval } = await signOff(system, [nextCard(), nextCard(), nextCard()]);
  const { psaConnectionId } = approval;
  await until('the first PATCH to be on its way', async () => (await system.connectwise.log('PATCH')).length > 0);
  await system.api.put(`/v1/psa-connections/${psaConnectionId}/writes`, { enabled: false });
  const todo = await untilTodo(approval.id);
  const patched = (await system.connectwise.log('PATCH')).length;
  expect(patched).toBeLessThan(3);
  expect(todo.counts).toMatchObject({ applied: patched, todo: 3 - patched });
  expect(todo.note).toContain('turned off before');
  for (const line of await system.api.all<ClosedApproval['lines'][number]>(`/v1/approvals/${approval.id}/lines`)) {
    expect(await quantityOf(line.lineId)).toBe(line.state === 'applied' ? line.to : line.from);
    if (line.state === 'applied') continue;
    const place = { agreementId: Number(line.agreementId), lineId: Number(line.lineId) };
    await system.connectwise.change({ change: 'setQuantity', ...place, quantity: line.to });
  }
  // Turning it on again writes nothing of it.
  await system.api.put(`/v1/psa-connections/${psaConnectionId}/writes`, { enabled: true });
  await system.api.post(`/v1/psa-connections/${psaConnectionId}/check`);
  const closed = await untilApprovalClosed(system, approval.id);
  expect(closed.counts).toMatchObject({ applied: patched, verified: 3 - patched });
  expect(await system.connectwise.log('PATCH')).toHaveLength(patched);
});

test('a lost write that did not happen is not written again once writing is off: it is a to-do', async () => {
  await system.connectwise.fault({ kind: 'drop', method: 'PATCH', times: null });
  const { id, psaConnectionId } = await approveOne();
  await until('the PATCH to be on its way', async () => (await system.connectwise.log('PATCH')).length > 0);
  await system.api.put(`/v1/psa-connections/${psaConnectionId}/writes`, { enabled: false });
  expect((await untilTodo(id)).counts).toMatchObject({ todo: 1 });
  expect(await system.connectwise.log('PATCH')).toHaveLength(1);
  await system.api.post(`/v1/approvals/${id}/withdraw`);
  await system.api.put(`/v1/psa-connections/${psaConnectionId}/writes`, { enabled: true });
});

test('a card is not approved a second time while its write is under way', async () => {
  await system.connectwise.fault({ kind: 'latency', method: 'PATCH', ms: 700 });
  const card = nextCard();
  const { approval } = await signOff(system, [card]);
  const second = await system.api.call<{ code: string }>('POST', '/v1/approvals', { cards: [seenOf(card)] });
  expect(second).toMatchObject({ status: 422, body: { code: 'nothing-to-approve' } });
  await untilApprovalClosed(system, approval.id);
  expect(await system.connectwise.log('PATCH')).toHaveLength(1);
});
