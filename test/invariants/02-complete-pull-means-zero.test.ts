import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { connectAll, syncNow, type CardView, type StepView } from '../../dev/walkthrough/guide.ts';
import { customersOf } from '../kit/simulatorState.ts';
import { startSystem, type System } from '../kit/system.ts';
import { until } from '../../dev/until.ts';
import { visibleIn } from '../kit/visible.ts';

let system: System;
let integrationId: string;
let psaConnectionId: string;

beforeAll(async () => {
  system = await startSystem({ customers: 40 });
  ({ integrationId, psaConnectionId } = await connectAll(system));
});
afterAll(() => system?.close());
beforeEach(async () => {
  await system.mailprotector.clearFaults();
  await system.connectwise.clearFaults();
});

async function countsOf(account: number) {
  return (await visibleIn(system)).counts.filter((count) => count.account === String(account));
}

async function cardsOf(account: number): Promise<CardView[]> {
  const { mappings } = await visibleIn(system);
  const mapped = mappings.find((mapping) => mapping.account === String(account));
  return (await system.api.all<CardView>('/v1/cards')).filter((card) => card.psaAccountId === mapped?.psaAccount);
}

/** A mapped customer whose name is in both systems once, by its place in the world. */
async function customer(at: number) {
  const found = (await customersOf(system))[at];
  if (!found) throw new Error('The world is smaller than the test thinks.');
  return found;
}

async function refreshPsa(): Promise<void> {
  const path = `/v1/psa-connections/${psaConnectionId}`;
  const { refreshedAt } = await system.api.get<{ refreshedAt: string }>(path);
  await system.api.post(`${path}/check`);
  await until(
    'the PSA to be read again',
    async () => (await system.api.get<{ refreshedAt: string }>(path)).refreshedAt !== refreshedAt,
  );
}

async function lineIds(agreementId: number): Promise<string[]> {
  const { rows } = await system.database.db.execute<{ id: string }>(
    sql`select id from agreement_line where agreement_id = ${String(agreementId)} order by id`,
  );
  return rows.map((row) => row.id);
}

test('a service that a linked customer no longer has becomes a real 0 in a complete pull', async () => {
  const { id, domains } = await customer(0);
  for (const group of domains[0]?.groups ?? [])
    await system.mailprotector.change({ change: 'setServices', id: group.id, services: [] });
  expect((await syncNow(system, integrationId)).state).toBe('applied');
  expect(await countsOf(id)).toEqual([expect.objectContaining({ quantity: 0 })]);
  const [card] = await cardsOf(id);
  expect(card).toMatchObject({ usage: 0, target: 0 });
});

test('a customer that vanished from a complete list counts 0, is flagged, and is never approved in bulk', async () => {
  const { id } = await customer(27);
  const pairs = (await countsOf(id)).length;
  await system.mailprotector.change({ change: 'removeCustomer', id });
  expect((await syncNow(system, integrationId)).state).toBe('applied');
  const counts = await countsOf(id);
  expect(counts).toHaveLength(pairs);
  expect(counts.map((count) => count.quantity)).toEqual(counts.map(() => 0));
  const cards = await cardsOf(id);
  expect(cards.length).toBeGreaterThan(0);
  for (const card of cards) {
    expect(card.flags.map((flag) => flag.code)).toContain('no_longer_reported');
    expect(card.bulkApprovable).toBe(false);
  }
});

test('a customer that is excluded is not read: its counts keep their values and are not reported since', async () => {
  const { id } = await customer(28);
  const before = await countsOf(id);
  await system.api.decide('PUT', `/v1/integrations/${integrationId}/accounts/${id}`, 'exclusion');
  expect((await syncNow(system, integrationId)).state).toBe('applied');
  expect(await countsOf(id)).toEqual(before.map((count) => ({ ...count, reported: false })));
});

test('a list of agreement lines that arrives short takes no line away', async () => {
  // Two lines of one product in one agreement: the list lacks the second.
  const agreement = 300_000 + 8 * 4;
  const before = await lineIds(agreement);
  expect(before.length).toBeGreaterThan(1);
  await system.connectwise.clearLog();
  const path = `/finance/agreements/${agreement}/additions$`;
  await system.connectwise.fault({ kind: 'truncate', method: 'GET', path, times: 2 });
  await refreshPsa();
  expect(await lineIds(agreement)).toEqual(before);
  const met = await system.connectwise.log('GET', `/finance/agreements/${agreement}/additions`);
  expect(met.filter((entry) => entry.faults?.includes('truncate'))).toHaveLength(2);
});

test('lists of agreement lines that stay short block the refresh, and take no line away', async () => {
  const agreement = 300_000 + 8 * 4;
  const before = await visibleIn(system);
  await system.connectwise.fault({
    kind: 'truncate',
    method: 'GET',
    path: `/finance/agreements/${agreement}/additions$`,
    times: null,
  });
  const path = `/v1/psa-connections/${psaConnectionId}`;
  await system.api.post(`${path}/check`);
  await until('the refresh to be blocked', async () => {
    const { process } = await system.api.get<{ process: { steps: StepView[] } }>(path);
    const step = process.steps.find((row) => row.step === 'pullPsa' && row.state === 'blocked');
    return step?.problem?.code === 'incomplete';
  });
  expect(await visibleIn(system)).toEqual(before);
  await system.connectwise.clearFaults();
  await until('the refresh to go on by itself', async () => {
    const { process } = await system.api.get<{ process: { done: boolean } }>(path);
    return process.done;
  });
  expect(await visibleIn(system)).toEqual(before);
});

test('a line that is really gone from the PSA goes', async () => {
  const agreement = 300_000 + 8 * 4;
  const [gone, ...others] = await lineIds(agreement);
  await system.connectwise.change({
    change: 'removeLine',
    agreementId: agreement,
    lineId: Number(gone),
  });
  await refreshPsa();
  expect(await lineIds(agreement)).toEqual(others);
});
