/** A bulk approval of 160,000 cards: more than a statement of PostgreSQL has parameters for, five times over. */
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { closeApproval, stopWriting, verifyTodos } from '../../commands/approvalOutcome.ts';
import { claimLine, listIntendedLines } from '../../db/queries/approvals.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { freshCard } from '../kit/apiTenant.ts';

const many = 160_000;

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
  const { one, db } = harness;
  const like = await freshCard(one);
  // As many cards like that one, each of an account and line of its own; 12 of them are to be looked at first.
  await db.execute(sql`
    insert into psa_account (psa_connection_id, id, code, name, active, prospect)
    select ${one.psaConnectionId}, 'bulk-' || n, null, 'Company ' || n, true, false from generate_series(1, ${many + 12}) n`);
  await db.execute(sql`
    insert into agreement_line (psa_connection_id, id, agreement_id, product_id, quantity, included_quantity, unit_price,
                                billing, status, version)
    select l.psa_connection_id, 'bulk-line-' || n, l.agreement_id, l.product_id, l.quantity, 0, 2.5, 'billable', 'active', '1'
      from agreement_line l, generate_series(1, ${many + 12}) n where l.id = ${like.write.line.lineId}`);
  await db.execute(sql`
    insert into card (organization_id, psa_connection_id, psa_account_id, psa_product_id, kind, flags, usage, target, current,
                      difference, approvable, bulk_approvable, detail)
    select c.organization_id, c.psa_connection_id, 'bulk-' || n, c.psa_product_id, c.kind,
           case when n <= 12 then array['check_first'] else c.flags end, c.usage, c.target, c.current, c.difference,
           c.approvable, n > 12, jsonb_set(c.detail, '{write,line,lineId}', to_jsonb('bulk-line-' || n))
      from card c, generate_series(1, ${many + 12}) n
     where c.id = ${like.id}
    on conflict do nothing`);
  await db.execute(sql`analyze`);
});
afterAll(() => harness?.close());

const actor = () => ({ ...harness.one, name: 'test' });

interface Preview {
  id: string;
  cards: number;
  money: { amount: number }[];
  leftOut: { reason: string; cards: number }[];
}
interface Approval {
  id: string;
  state: string;
  lines: number;
  counts: Record<string, number>;
  skipped: { reason: string; cards: number }[];
}
interface Answer {
  approval: Approval;
  skipped: { items: object[]; nextCursor: string | null };
}

const ask = {
  preview: () => harness.admin.good<Preview>('POST', '/v1/approvals/previews', { psaConnectionId: psa() }),
  sign: (previewId: string) => harness.admin.good<Answer>('POST', '/v1/approvals', { previewId }),
  approval: (id: string) => harness.admin.good<Approval>('GET', `/v1/approvals/${id}`),
  writes: (enabled: boolean) => harness.admin.good('PUT', `/v1/psa-connections/${psa()}/writes`, { enabled }),
};
const psa = () => harness.one.psaConnectionId;

/** No request of this size may take as long as what a proxy waits for. */
async function soon<T>(what: string, body: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await body();
  const seconds = (performance.now() - began) / 1_000;
  expect(seconds, `${what} took ${seconds.toFixed(1)} s`).toBeLessThan(120);
  return result;
}

test('160,000 cards are previewed, signed off as shown, stopped, replaced, written, undone and verified', async () => {
  const { db } = harness;
  const preview = await soon('the preview', ask.preview);
  expect(preview.cards).toBeGreaterThanOrEqual(many);
  expect(preview.leftOut).toContainEqual({ reason: 'check_first', words: expect.any(String), cards: 12 });
  // Some show something else by now: more than a page of the answer.
  await db.execute(sql`
    update card set detail = jsonb_set(detail, '{write,newQuantity}', '999') where psa_account_id like 'bulk-%7777'`);
  const changed = many / 10_000;
  await db.execute(sql`update card set bulk_approvable = false where psa_account_id like 'bulk-%333'`);
  const flagged = many / 1_000;

  // Writing is off: one to-do list.
  const todo = await soon('the to-do list', () => ask.sign(preview.id));
  expect(todo.approval).toMatchObject({ state: 'todo', lines: preview.cards - changed - flagged });
  expect(todo.approval.skipped).toEqual([
    { reason: 'not_approvable', cards: flagged },
    { reason: 'differs', cards: changed },
  ]);
  expect(todo.skipped.items).toHaveLength(50);
  let listed = 0;
  let cursor: string | null = null;
  do {
    const page: { items: object[]; nextCursor: string | null } = await harness.admin.good(
      'GET',
      `/v1/approvals/${todo.approval.id}/skipped?limit=200${cursor ? `&cursor=${cursor}` : ''}`,
    );
    listed += page.items.length;
    cursor = page.nextCursor;
  } while (cursor);
  expect(listed).toBe(changed + flagged);

  // Writing is on: the same again replaces it, as it is shown now.
  await ask.writes(true);
  const again = await soon('the second preview', ask.preview);
  expect(again.cards).toBe(preview.cards - flagged);
  const { approval } = await soon('the approval', () => ask.sign(again.id));
  expect(approval).toMatchObject({ state: 'requested', lines: again.cards, skipped: [] });
  expect(await ask.approval(todo.approval.id)).toMatchObject({ state: 'closed', counts: { todo: 0 } });
  const { rows: audits } = await db.execute<{ size: number }>(
    sql`select length(after::text) as size from audit where subject_id = ${approval.id}`,
  );
  expect(audits.every(({ size }) => size < 1_000)).toBe(true);

  // What is under way is left out of a third one, and nothing else is there.
  const third = await soon('the third preview', ask.preview);
  expect(third).toMatchObject({ cards: 0 });
  expect(third.leftOut).toContainEqual({ reason: 'under_way', words: expect.any(String), cards: again.cards });

  // The worker takes 25 at a time, however far it has come.
  await db.execute(sql`
    update approval_line set state = 'applied', settled_at = now() where batch_id = ${approval.id} and position < 100000`);
  const next = await soon('the next lines', () => listIntendedLines(db, approval.id, 25));
  expect(next.map((line) => line.position)).toEqual(Array.from({ length: 25 }, (_, at) => 100_000 + at));
  const [first] = next;
  expect(first && (await claimLine(db, first))).toMatchObject({ state: 'writing' });

  await soon('turning writing off', () => ask.writes(false));
  const stopped = await ask.approval(approval.id);
  expect(stopped.counts).toMatchObject({ applied: 100_000, writing: 1, todo: again.cards - 100_001 });
  await db.execute(sql`
    update approval_line set state = 'applied', settled_at = now() where batch_id = ${approval.id} and state = 'writing'`);
  await db.transaction((tx) => closeApproval(tx, actor(), { id: approval.id }));
  expect(await ask.approval(approval.id)).toMatchObject({ state: 'todo' });

  // The PSA holds what was written, and half of the to-dos a person made.
  await db.execute(sql`
    update agreement_line p set quantity = l.target from approval_line l
     where l.batch_id = ${approval.id} and l.line_id = p.id and l.position < 130000`);
  await soon('verifying', () => db.transaction((tx) => verifyTodos(tx, actor(), { psaConnectionId: psa() })));
  const verified = 130_000 - 100_001;
  expect(await ask.approval(approval.id)).toMatchObject({ state: 'todo', counts: { verified } });
  await soon('withdrawing', () => harness.admin.good('POST', `/v1/approvals/${approval.id}/withdraw`));
  expect(await ask.approval(approval.id)).toMatchObject({
    state: 'closed',
    counts: { withdrawn: again.cards - 130_000, todo: 0 },
  });
  const { rows: trail } = await db.execute<{ n: number }>(
    sql`select count(*)::int as n from audit where action = 'approval.verified' and before is not null`,
  );
  expect(trail).toEqual([{ n: verified }]);

  await ask.writes(true);
  const undone = await soon('the undo', () => harness.admin.good<Answer>('POST', `/v1/approvals/${approval.id}/undo`));
  expect(undone.approval).toMatchObject({ state: 'requested', lines: 100_001, skipped: [] });
  await db.transaction((tx) => stopWriting(tx, actor(), { psaConnectionId: psa() }));
  expect(await ask.approval(undone.approval.id)).toMatchObject({ counts: { todo: 100_001, intended: 0 } });
}, 600_000);
