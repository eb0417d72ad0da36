import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from 'drizzle-orm';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { freshCard, seedApproval } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

test.each([
  ['no card', { cardIds: [] }, 400, 'invalid-request'],
  ['nothing', {}, 400, 'invalid-request'],
  ['an id that is none', { cardIds: ['x'] }, 400, 'invalid-request'],
  ['a card that is not there', { cardIds: ['0b8f9c1e-5d2c-4c53-9d0e-3f6f3a3f1d11'] }, 422, 'unknown-cards'],
  ['bulk without a connection', { bulk: true }, 400, 'invalid-request'],
  [
    'bulk of a connection nobody has',
    { bulk: true, psaConnectionId: '0b8f9c1e-5d2c-4c53-9d0e-3f6f3a3f1d11' },
    404,
    'not-found',
  ],
])('an approval of %s is refused', async (_, body, status, code) => {
  const before = await harness.dump();
  await harness.admin.problem(status, code, 'POST', '/v1/approvals', body);
  expect(await harness.dump()).toEqual(before);
});

test('one unknown card among good ones approves none', async () => {
  const before = await harness.dump();
  const { id } = await freshCard(harness.one);
  const cardIds = [id, harness.one.integrationId];
  const problem = await harness.admin.problem(422, 'unknown-cards', 'POST', '/v1/approvals', { cardIds });
  expect(problem.detail).toContain(harness.one.integrationId);
  expect(await harness.dump()).toEqual(before);
});

test("another tenant's connection cannot be signed off in bulk", async () => {
  const before = await harness.dump();
  const body = { bulk: true, psaConnectionId: harness.other.psaConnectionId };
  await harness.admin.problem(404, 'not-found', 'POST', '/v1/approvals', body);
  expect(await harness.dump()).toEqual(before);
});

test('a card that cannot be approved alone says why', async () => {
  const { items } = await harness.admin.good<{ items: { id: string }[] }>('GET', '/v1/cards?kind=new_revenue');
  const problem = await harness.admin.problem(422, 'nothing-to-approve', 'POST', '/v1/approvals', {
    cardIds: [items[0]?.id],
  });
  expect(problem.detail).toContain('no active line');
});

test('an approval is undone only when it is closed, wrote something, and was not billed yet', async () => {
  const open = await seedApproval(harness.one);
  await harness.admin.problem(409, 'not-closed', 'POST', `/v1/approvals/${open}/undo`);
  await harness.db.execute(sql`update approval_line set state = 'rejected' where batch_id = ${open}`);
  await harness.db.execute(sql`update approval_batch set state = 'closed' where id = ${open}`);
  await harness.admin.problem(409, 'nothing-to-undo', 'POST', `/v1/approvals/${open}/undo`);
  const applied = await seedApproval(harness.one, 'applied');
  await harness.db.execute(sql`update agreement set next_invoice_date = '2099-02-01'`);
  const problem = await harness.admin.problem(409, 'nothing-to-undo', 'POST', `/v1/approvals/${applied}/undo`);
  expect(problem.detail).toContain('next invoice date has moved');
});

test('an approval that is not blocked is not retried', async () => {
  const id = await seedApproval(harness.other);
  const caller = harness.as(harness.other.tokens.operate);
  const before = await harness.dump();
  await caller.problem(409, 'not-blocked', 'POST', `/v1/approvals/${id}/retry`);
  expect(await harness.dump()).toEqual(before);
});
