import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { seedAlert, seedAlerting } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

test.each(['parked', 'waiting', 'delivered', 'gathered', 'dismissed'] as const)(
  'one that is %s is not tried again',
  async (state) => {
    const id = await seedAlert(harness.one, state);
    const before = await harness.dump();
    const problem = await harness.admin.problem(409, 'not-dead', 'POST', `/v1/alerts/${id}/retry`);
    expect(problem.detail).toContain(state);
    expect(await harness.dump()).toEqual(before);
  },
);

test('one on its way that is not blocked is not tried again', async () => {
  const id = await seedAlert(harness.one, 'delivering');
  await harness.admin.problem(409, 'not-blocked', 'POST', `/v1/alerts/${id}/retry`);
});

test('one that somebody was told of, or whose ticket may be there, is not dismissed', async () => {
  const told = await seedAlert(harness.one, 'delivered');
  await harness.admin.problem(409, 'told-already', 'POST', `/v1/alerts/${told}/dismiss`, { reason: 'No' });
  const id = await seedAlert(harness.one, 'delivering');
  await harness.db.execute(sql`update alert set post = 'ticket', post_state = 'uncertain' where id = ${id}`);
  const before = await harness.dump();
  await harness.admin.problem(409, 'ticket-under-way', 'POST', `/v1/alerts/${id}/dismiss`, { reason: 'No' });
  await harness.admin.problem(400, 'invalid-request', 'POST', `/v1/alerts/${id}/dismiss`, { reason: ' ' });
  expect(await harness.dump()).toEqual(before);
});

test('a test alert of an account that there is not is refused', async () => {
  const id = await seedAlerting(harness.one);
  const before = await harness.dump();
  const body = { accountId: 'nobodys' };
  await harness.admin.problem(422, 'unknown-account', 'POST', `/v1/integrations/${id}/test-alert`, body);
  expect(await harness.dump()).toEqual(before);
});
