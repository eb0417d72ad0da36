import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from 'drizzle-orm';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { freshCard, seedApproval, seen } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

const nobody = '0b8f9c1e-5d2c-4c53-9d0e-3f6f3a3f1d11';
const shown = { lineId: '1', from: 1, to: 2 };

test.each([
  ['no card', { cards: [] }, 400, 'invalid-request'],
  ['nothing', {}, 400, 'invalid-request'],
  ['an id that is none', { cards: [{ cardId: 'x', ...shown }] }, 400, 'invalid-request'],
  ['a card without what it showed', { cards: [{ cardId: nobody }] }, 400, 'invalid-request'],
  ['bare ids', { cardIds: [nobody] }, 400, 'invalid-request'],
  ['whatever there is', { bulk: true, psaConnectionId: nobody }, 400, 'invalid-request'],
  ['a preview and cards', { previewId: nobody, cards: [{ cardId: nobody, ...shown }] }, 400, 'invalid-request'],
  ['a card that is not there', { cards: [{ cardId: nobody, ...shown }] }, 422, 'unknown-cards'],
  ['a preview that is not there', { previewId: nobody }, 404, 'not-found'],
])('an approval of %s is refused', async (_, body, status, code) => {
  const before = await harness.dump();
  await harness.admin.problem(status, code, 'POST', '/v1/approvals', body);
  expect(await harness.dump()).toEqual(before);
});

test('a card that cannot be approved alone says why', async () => {
  const { items } = await harness.admin.good<{ items: { id: string }[] }>('GET', '/v1/cards?kind=new_revenue');
  const problem = await harness.admin.problem(422, 'nothing-to-approve', 'POST', '/v1/approvals', {
    cards: [{ cardId: items[0]?.id, ...shown }],
  });
  expect(problem.detail).toContain('no active line');
});

test('when no card is as it was shown, the refusal says what differed, with both numbers', async () => {
  const [one, two] = [await freshCard(harness.one), await freshCard(harness.one)];
  const before = await harness.dump();
  const stale = { ...seen(one), to: one.write.newQuantity - 1 };
  const problem = await harness.admin.problem(422, 'nothing-to-approve', 'POST', '/v1/approvals', { cards: [stale] });
  expect(problem.detail).toContain(`to ${one.write.newQuantity - 1}`);
  expect(problem.detail).toContain(`to ${one.write.newQuantity} now`);
  const many = Array.from({ length: 20 }, (_, at) => ({ ...seen(two), to: 1_000 + at }));
  const several = await harness.admin.problem(422, 'nothing-to-approve', 'POST', '/v1/approvals', { cards: many });
  // A person reads it: the cards are named, and no id and no code is.
  expect(several.detail).toContain('none of the 20 cards can be');
  expect(several.detail).toMatch(/shown\. [^:]+, [^:]+: It was shown as /);
  expect(several.detail).not.toMatch(/[0-9a-f]{8}-|differs|not_/);
  expect(several.detail).toContain('And 15 more.');
  expect(await harness.dump()).toEqual(before);
});

test('an approval is refused when writing was turned on or off since the person was told', async () => {
  const [card, other] = [await freshCard(harness.one), await freshCard(harness.one)];
  const { psaConnectionId } = harness.one;
  const { writesEnabled } = await harness.admin.good<{ writesEnabled: boolean }>(
    'GET',
    `/v1/psa-connections/${psaConnectionId}`,
  );
  const { id: previewId } = await harness.admin.good<{ id: string }>('POST', '/v1/approvals/previews', {
    psaConnectionId,
    filter: { cardIds: [other.id] },
  });
  const before = await harness.dump();
  for (const what of [{ cards: [seen(card)] }, { previewId }]) {
    const body = { ...what, writesEnabled: !writesEnabled };
    const { detail } = await harness.admin.problem(409, 'changed-meanwhile', 'POST', '/v1/approvals', body);
    expect(detail).toContain(`was turned ${writesEnabled ? 'on' : 'off'} meanwhile`);
  }
  expect(await harness.dump()).toEqual(before);
  for (const what of [{ cards: [seen(card)] }, { previewId }])
    await harness.admin.good('POST', '/v1/approvals', { ...what, writesEnabled });
});

test('an approval is undone only when it is closed, wrote something, and was not billed yet', async () => {
  const open = await seedApproval(harness.one);
  await harness.admin.problem(409, 'not-closed', 'POST', `/v1/approvals/${open}/undo`);
  await harness.db.execute(sql`update approval_line set state = 'rejected' where batch_id = ${open}`);
  await harness.db.execute(sql`update approval_batch set state = 'closed' where id = ${open}`);
  await harness.admin.problem(409, 'nothing-to-undo', 'POST', `/v1/approvals/${open}/undo`);
  const applied = await seedApproval(harness.one, 'applied');
  // The line of another approval is none of this one.
  const { items } = await harness.admin.good<{ items: { id: string }[] }>('GET', `/v1/approvals/${open}/lines`);
  for (const method of ['GET', 'POST'] as const)
    await harness.admin.problem(404, 'not-found', method, `/v1/approvals/${applied}/undo?lineId=${items[0]?.id}`);
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

test('a person is asked only about a line whose write is uncertain for good', async () => {
  const id = await seedApproval(harness.one);
  const { items } = await harness.admin.good<{ items: { id: string }[] }>('GET', `/v1/approvals/${id}/lines`);
  const before = await harness.dump();
  const path = `/v1/approvals/${id}/lines/${items[0]?.id}/settle`;
  await harness.admin.problem(409, 'not-asked', 'POST', path, { quantity: 3 });
  for (const quantity of [-1, 2 ** 53]) await harness.admin.problem(400, 'invalid-request', 'POST', path, { quantity });
  await harness.admin.problem(404, 'not-found', 'POST', `/v1/approvals/${id}/lines/${nobody}/settle`, { quantity: 3 });
  expect(await harness.dump()).toEqual(before);
});
