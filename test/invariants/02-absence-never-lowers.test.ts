import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { connectAll, latestRun, syncNow, type RunView } from '../../dev/walkthrough/guide.ts';
import { untilAtRest } from '../kit/rest.ts';
import { customersOf } from '../kit/simulatorState.ts';
import { startSystem, type System } from '../kit/system.ts';
import { until } from '../../dev/until.ts';
import { visibleIn, type Visible } from '../kit/visible.ts';

let system: System;
let integrationId: string;
let psaConnectionId: string;
let before: Visible;

/** More customers than the vendor gives in a page, so that every list has at least two. */
const perPage = 16;
const customers = perPage + 2;

beforeAll(async () => {
  system = await startSystem({ customers, env: { TRANSIENT_LIMIT_MS: '1000' } });
  await system.mailprotector.settings({ maxPerPage: perPage });
  ({ integrationId, psaConnectionId } = await connectAll(system));
});
afterAll(() => system?.close());
beforeEach(async () => {
  await system.mailprotector.clearFaults();
  await system.connectwise.clearFaults();
  await untilAtRest(system);
  before = await visibleIn(system);
  expect(before.counts.length).toBeGreaterThan(customers);
});

interface SyncView extends RunView {
  process: { steps: { step: string; state: string; problem: { code: string; what: string; todo: string } | null }[] };
}

/** Asks for a sync and waits until one of its steps is blocked. */
async function syncUntilBlocked(): Promise<{ run: SyncView; step: SyncView['process']['steps'][number] }> {
  const last = await latestRun(system, integrationId);
  await system.api.post(`/v1/integrations/${integrationId}/syncs`);
  return until('a step of the sync to be blocked', async () => {
    const newest = await latestRun(system, integrationId);
    if (!newest || newest.id === last?.id) return undefined;
    const run = await system.api.get<SyncView>(`/v1/syncs/${newest.id}`);
    const step = run.process.steps.find((candidate) => candidate.state === 'blocked');
    return step && { run, step };
  });
}

async function untilApplied(runId: string): Promise<void> {
  await until('the run to be applied', async () => {
    const run = await system.api.get<RunView & { finishedAt: string | null }>(`/v1/syncs/${runId}`);
    return run.state === 'applied' && run.finishedAt !== null;
  });
}

const lists = [
  ['customers', '/resellers/500/customers$'],
  ['domains', '/resellers/500/domains$'],
  ['groups', '/domains/\\d+/user_groups$'],
] as const;

test.each(lists)('a page of %s cut short lowers nothing, and the next try finds the rest', async (_list, path) => {
  await system.mailprotector.fault({ kind: 'truncate', method: 'GET', path });
  const run = await syncNow(system, integrationId);
  expect(run.state).toBe('applied');
  expect(await visibleIn(system)).toEqual(before);
});

test.each(lists)(
  'pages of %s that stay short block the run, lower nothing, and it goes on by itself once they come whole',
  async (_list, path) => {
    await system.mailprotector.fault({ kind: 'truncate', method: 'GET', path, times: null });
    const { run, step } = await syncUntilBlocked();
    expect(step).toMatchObject({ step: 'pullVendor', problem: { code: 'incomplete' } });
    expect(step.problem?.what).toMatch(/did not arrive whole/);
    expect(await visibleIn(system)).toEqual(before);
    await system.mailprotector.clearFaults();
    await untilApplied(run.id);
    expect(await visibleIn(system)).toEqual(before);
  },
);

test.each([403, 404])(
  'a %i on one group in the middle of a pull lowers nothing, and stops no other customer',
  async (status) => {
    const customer = (await customersOf(system))[12];
    await system.mailprotector.fault({
      kind: 'status',
      status,
      method: 'GET',
      path: `/user_groups/${customer?.domains[0]?.groups[0]?.id}/services$`,
      times: null,
    });
    expect((await syncNow(system, integrationId)).state).toBe('applied');
    const after = await visibleIn(system);
    // All that is different is that the cards of the customer say so, and are not approvable.
    const account = before.mappings.find((mapping) => mapping.account === String(customer?.id))?.psaAccount;
    expect(after).toEqual({
      ...before,
      cards: before.cards.map((card) =>
        card.account === account
          ? { ...card, flags: expect.arrayContaining(['incomplete']), approvable: false, bulkApprovable: false }
          : card,
      ),
    });
    await system.mailprotector.clearFaults();
    await syncNow(system, integrationId);
    expect(await visibleIn(system)).toEqual(before);
  },
);

test('an answer cut off in the middle of its body lowers nothing', async () => {
  await system.mailprotector.fault({ kind: 'cut', method: 'GET', path: '/resellers/500/domains$', times: 2 });
  expect((await syncNow(system, integrationId)).state).toBe('applied');
  expect(await visibleIn(system)).toEqual(before);
});

test('without a total in the header, a customer that one list lacked is found by the second list and read', async () => {
  await system.mailprotector.settings({ paging: 'none' });
  await system.mailprotector.fault({ kind: 'truncate', method: 'GET', path: '/resellers/500/customers$' });
  expect((await syncNow(system, integrationId)).state).toBe('applied');
  await system.mailprotector.settings({ paging: 'totals' });
  expect(await visibleIn(system)).toEqual(before);
});

test('a customer that slides to the page before while the list is read keeps its counts', async () => {
  const all = await customersOf(system);
  const [first, slides] = [all[perPage - 4], all[perPage]];
  // The second page waits; meanwhile a customer of the first page goes, so the first of the second moves there.
  await system.mailprotector.fault({
    kind: 'latency',
    ms: 1_000,
    method: 'GET',
    path: '/resellers/500/customers$',
    skip: 1,
  });
  await system.mailprotector.clearLog();
  const sync = syncNow(system, integrationId);
  await until(
    'the second page to be asked for',
    async () => (await system.mailprotector.log('GET', '/resellers/500/customers\\?page=2')).length > 0,
  );
  await system.mailprotector.change({ change: 'removeCustomer', id: first?.id });
  expect((await sync).state).toBe('applied');
  const of = (visible: Visible, id: number | undefined) =>
    visible.counts.filter((count) => count.account === String(id) && count.reported);
  const now = await visibleIn(system);
  expect(of(before, slides?.id).length).toBeGreaterThan(0);
  expect(of(now, slides?.id)).toEqual(of(before, slides?.id));
  const others = (visible: Visible) => visible.counts.filter((count) => count.account !== String(first?.id));
  expect(others(now)).toEqual(others(before));
});

test.each([
  ['companies', '/company/companies$'],
  ['products', '/procurement/catalog$'],
  ['agreements', '/finance/agreements$'],
])('a list of %s of the PSA that arrives short takes nothing away', async (_list, path) => {
  interface Connection {
    refreshedAt: string;
    process: { steps: { step: string; state: string; problem: { code: string } | null }[] };
  }
  const connection = () => system.api.get<Connection>(`/v1/psa-connections/${psaConnectionId}`);
  const { refreshedAt } = await connection();
  await system.connectwise.fault({ kind: 'truncate', method: 'GET', path, times: null });
  await system.api.post(`/v1/psa-connections/${psaConnectionId}/check`);
  await until('the refresh to be blocked', async () =>
    (await connection()).process.steps.some((step) => step.step === 'pullPsa' && step.state === 'blocked'),
  );
  expect(await visibleIn(system)).toEqual(before);
  await system.connectwise.clearFaults();
  await until('the refresh to be applied', async () => (await connection()).refreshedAt !== refreshedAt);
  expect(await visibleIn(system)).toEqual(before);
});
