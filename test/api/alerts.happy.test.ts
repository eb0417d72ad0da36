import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { moveAlert } from '../../db/queries/alerts.ts';
import { stepLabels } from '../../domain/process/labels.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { seedAlert, seedAlerting } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi({ env: { ALERTS_IN_FLIGHT: '2' } });
});
afterAll(() => harness?.close());

interface View {
  id: string;
  state: string;
  source: string;
  revision: number;
  reason: { code: string; detail: string } | null;
  process: { waitsFor: string } | null;
  statement: string | null;
  stages:
    | { step: string; title: string; state: string; problem: { what: string } | null; statement: string | null }[]
    | null;
}
const get = (id: string) => harness.admin.good<View>('GET', `/v1/alerts/${id}`);

test('the list is the newest first, by integration and state, page by page', async () => {
  const integrationId = await seedAlerting(harness.one);
  const ids = [];
  for (let at = 0; at < 5; at++) ids.push(await seedAlert(harness.one, at < 3 ? 'parked' : 'dead', { integrationId }));
  const first = await harness.admin.good<{ items: View[]; nextCursor: string }>(
    'GET',
    `/v1/alerts?integrationId=${integrationId}&limit=3`,
  );
  const rest = await harness.admin.good<{ items: View[]; nextCursor: null }>(
    'GET',
    `/v1/alerts?integrationId=${integrationId}&limit=3&cursor=${first.nextCursor}`,
  );
  expect([...first.items, ...rest.items].map((item) => item.id).toSorted()).toEqual(ids.toSorted());
  const dead = await harness.admin.good<{ items: View[] }>(
    'GET',
    `/v1/alerts?integrationId=${integrationId}&state=dead`,
  );
  expect(dead.items.map((item) => item.state)).toEqual(['dead', 'dead']);
});

test('a part of a title, an account’s name or a ticket’s number finds an alert; a storm’s are listed by it', async () => {
  const integrationId = await seedAlerting(harness.one);
  const id = await seedAlert(harness.one, 'delivered', { integrationId });
  const storm = await seedAlert(harness.one, 'delivered', { integrationId });
  const gathered = await seedAlert(harness.one, 'gathered', { integrationId });
  await harness.db.execute(sql`update alert set title = 'Quota 90 %', ticket_id = '90210' where id = ${id}`);
  await harness.db.execute(sql`update alert set gathered_into = ${storm} where id = ${gathered}`);
  const find = async (query: string) => {
    const { items } = await harness.admin.good<{ items: (View & { accountName: string; psaAccountName: string })[] }>(
      'GET',
      `/v1/alerts?integrationId=${integrationId}&${query}`,
    );
    return items;
  };
  expect((await find('search=ota+90+%25')).map((alert) => alert.id)).toEqual([id]);
  expect((await find('search=9021')).map((alert) => alert.id)).toEqual([id]);
  expect((await find('search=customer+1')).length).toBe(3);
  expect(await find('search=100_')).toEqual([]);
  expect(await find(`gatheredInto=${storm}`)).toMatchObject([
    { id: gathered, accountName: 'Customer 1', psaAccountName: 'Company 1' },
  ]);
});

test('a dead alert is tried again, as if it had been sent once more', async () => {
  const id = await seedAlert(harness.one, 'dead', { reason: { code: 'refused', detail: 'The PSA refused it.' } });
  const view = await harness.admin.good<View>('POST', `/v1/alerts/${id}/retry`);
  expect(view).toMatchObject({ state: 'delivering', revision: 2, reason: null });
  expect(harness.wakes.at(-1)).toMatchObject({ kind: 'deliverAlert', id });
});

test('a parked alert says which of both it waits for, a mapping or a board', async () => {
  const integrationId = await seedAlerting(harness.one);
  const id = await seedAlert(harness.one, 'parked', { integrationId });
  expect(await get(id)).toMatchObject({ missing: [] });
  await harness.db.execute(sql`update integration set alerts = alerts - 'board' where id = ${integrationId}`);
  expect(await get(id)).toMatchObject({ missing: ['board'] });
  await harness.db.execute(sql`delete from account_mapping where integration_id = ${integrationId}`);
  expect(await get(id)).toMatchObject({ missing: ['mapping', 'board'] });
});

test('a dismissed alert says why and by whom', async () => {
  const id = await seedAlert(harness.one, 'parked');
  const view = await harness.admin.good<View>('POST', `/v1/alerts/${id}/dismiss`, { reason: 'Planned maintenance' });
  expect(view).toMatchObject({ state: 'dismissed', reason: { code: 'dismissed', detail: 'Planned maintenance' } });
  const { items } = await harness.admin.good<{ items: { action: string; actor: string }[] }>(
    'GET',
    '/v1/audit?limit=1',
  );
  expect(items).toMatchObject([{ action: 'alert.dismissed', actor: `token:${harness.one.adminTokenId}` }]);
  expect(await get(id)).toMatchObject({ history: [{ action: 'alert.dismissed', actorName: '"admin"' }] });
});

test('one that is on its way is dismissed too, and its place is the next one’s', async () => {
  const integrationId = await seedAlerting(harness.one);
  const test3 = async () =>
    (
      await harness.admin.good<View>('POST', `/v1/integrations/${integrationId}/test-alert`, {
        accountId: harness.one.vendorAccount(1),
      })
    ).id;
  const [first, second, third] = [await test3(), await test3(), await test3()];
  const states = async () => Promise.all([first, second, third].map(async (id) => (await get(id)).state));
  expect(await states()).toEqual(['delivering', 'delivering', 'waiting']);
  await harness.admin.good('POST', `/v1/alerts/${first}/dismiss`, { reason: 'No' });
  expect(await states()).toEqual(['dismissed', 'delivering', 'delivering']);
  expect(
    harness.wakes
      .slice(-2)
      .map((wake) => wake.id)
      .toSorted(),
  ).toEqual([first, third].toSorted());
});

test('a test alert is one like others, and says in each stage where it is', async () => {
  const integrationId = await seedAlerting(harness.one);
  const view = await harness.admin.good<View>('POST', `/v1/integrations/${integrationId}/test-alert`, {
    accountId: harness.one.vendorAccount(1),
    priority: 4,
  });
  expect(view).toMatchObject({ source: 'test', state: 'delivering', process: null });
  const { rows } = await harness.db.execute(sql`select kind from process where id = ${view.id}`);
  expect(rows).toEqual([{ kind: 'deliverAlert' }]);
});

test('a test that the PSA refused says where it stopped, and what to do in the words of health', async () => {
  const integrationId = await seedAlerting(harness.one);
  const reason = { code: 'refused', detail: 'The PSA refused it: no such type.', status: 400 };
  const { id, stages } = await harness.admin.good<View>('POST', `/v1/integrations/${integrationId}/test-alert`, {
    accountId: harness.one.vendorAccount(1),
  });
  const steps = ['resolveAccount', 'writeTicket', 'settleTicket'] as const;
  expect(stages).toMatchObject(
    steps.map((step) => ({ step, title: stepLabels[step].title, state: 'waiting', problem: null })),
  );
  await moveAlert(harness.db, id, { from: ['delivering'], to: 'dead' }, { reason });
  const { waits } = await harness.admin.good<{ waits: { what: string }[] }>(
    'GET',
    `/v1/integrations/${integrationId}/health`,
  );
  const statement = waits[0]?.what;
  expect(statement).toMatch(/^The PSA refused the ticket \(400\)\. /);
  expect(await get(id)).toMatchObject({
    statement,
    stages: [
      { state: 'blocked', problem: { what: reason.detail, todo: statement }, statement },
      { state: 'waiting', statement: null },
      { state: 'waiting', statement: null },
    ],
  });
  await harness.db.execute(
    sql`update alert set ticket_id = '90210', state = 'delivered', reason = null where id = ${id}`,
  );
  const delivered = await get(id);
  expect(delivered.statement).toBeNull();
  expect(delivered.stages?.map(({ state }) => state)).toEqual(['done', 'done', 'done']);
  // Only a test has stages.
  const other = await seedAlert(harness.one, 'dead', { integrationId, reason });
  expect(await get(other)).toMatchObject({ statement, stages: null });
});

test('while the PSA refuses the board one dead alert says so, and no other gets a slot; another board delivers them all', async () => {
  const integrationId = await seedAlerting(harness.one);
  const reason = { code: 'refused', detail: 'The board is inactive.', status: 400, of: 'board' as const };
  const dead = await seedAlert(harness.one, 'dead', { integrationId, reason });
  expect(await get(dead)).toMatchObject({ reason: { code: 'refused', of: 'board' } });
  const view = await harness.admin.good<View>('POST', `/v1/integrations/${integrationId}/test-alert`, {
    accountId: harness.one.vendorAccount(1),
  });
  expect(view).toMatchObject({ state: 'waiting' });
  const { waits } = await harness.admin.good<{ waits: { what: string }[] }>(
    'GET',
    `/v1/integrations/${integrationId}/health`,
  );
  expect(waits).toMatchObject([
    {
      for: 'person',
      code: 'refused',
      workflowId: `alert/${dead}`,
      what: expect.stringMatching(/^The PSA refuses the board \(400\)/) as string,
    },
  ]);
  await harness.admin.good('PUT', `/v1/integrations/${integrationId}/board`, {
    boardId: `${harness.one.prefix}-board`,
  });
  expect(await Promise.all([dead, view.id].map(async (id) => (await get(id)).state))).toEqual([
    'delivering',
    'delivering',
  ]);
});
