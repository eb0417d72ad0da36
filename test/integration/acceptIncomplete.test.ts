/** A list that is not whole blocks its step, says what is wrong, and may be accepted: it raises and adds, and lowers nothing. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  connectAll,
  latestRun,
  syncNow,
  type CardView,
  type RunView,
  type StepView,
} from '../../dev/walkthrough/guide.ts';
import { until } from '../../dev/until.ts';
import { customersOf } from '../kit/simulatorState.ts';
import { startSystem, type System } from '../kit/system.ts';
import { visibleIn, type Visible } from '../kit/visible.ts';

interface Card extends CardView {
  flags: { code: string; reason: string; words: string }[];
}
interface Incomplete {
  by: string;
  at: string;
  lists: string[];
  count: number;
}
interface Run extends RunView {
  finishedAt: string | null;
  figures: Record<string, number>;
  incomplete: Incomplete | null;
  process: { steps: StepView[] };
}
interface Connection {
  refreshedAt: string;
  incomplete: Incomplete | null;
  process: { steps: StepView[] };
}

let system: System;
let ids: { psaConnectionId: string; integrationId: string };
let before: Visible;

beforeAll(async () => {
  system = await startSystem({ customers: 30, env: { TRANSIENT_LIMIT_MS: '1000' } });
  ids = await connectAll(system);
});
afterAll(() => system?.close());
beforeEach(async () => {
  before = await visibleIn(system);
});

const accept = (step: string) => `/v1/integrations/${ids.integrationId}/steps/${step}/accept-incomplete`;
const connection = () => system.api.get<Connection>(`/v1/psa-connections/${ids.psaConnectionId}`);
const cards = () => system.api.all<Card>('/v1/cards');
const incompleteFlags = (card: Card) => card.flags.filter((flag) => flag.reason === 'incomplete_list');
const quantityOf = (visible: Visible, account: number | undefined) =>
  visible.counts
    .filter((count) => count.account === String(account))
    .map(({ service, quantity, reported }) => ({ service, quantity, reported }));

async function syncUntilBlocked(): Promise<{ run: Run; step: StepView }> {
  const last = await latestRun(system, ids.integrationId);
  await system.api.post(`/v1/integrations/${ids.integrationId}/syncs`);
  return until('a step of the sync to be blocked', async () => {
    const newest = await latestRun(system, ids.integrationId);
    if (!newest || newest.id === last?.id) return undefined;
    const run = await system.api.get<Run>(`/v1/syncs/${newest.id}`);
    const step = run.process.steps.find((candidate) => candidate.state === 'blocked');
    return step && { run, step };
  });
}

const over = (runId: string) =>
  until('the run to be over', async () => {
    const run = await system.api.get<Run>(`/v1/syncs/${runId}`);
    return run.finishedAt === null ? undefined : run;
  });

async function changeCustomer(
  at: number,
  change: (group: { id: number; users: number }) => Promise<unknown>,
): Promise<number> {
  const customer = (await customersOf(system))[at];
  const group = customer?.domains[0]?.groups[0];
  if (!customer || !group) throw new Error('The world is smaller than the test thinks.');
  await change(group);
  return customer.id;
}

test('there is nothing to accept while no list is incomplete', async () => {
  await expect(system.api.post(accept('pullVendor'))).rejects.toThrow(/nothing-incomplete/);
  await expect(system.api.post(`/v1/psa-connections/${ids.psaConnectionId}/accept-incomplete`)).rejects.toThrow(
    /nothing-incomplete/,
  );
});

test('a vendor that counts one more than it shows is named and not retried for ever; accepted, it raises, and lowers, zeroes and removes nothing', async () => {
  await system.mailprotector.settings({ pagingLie: 'oneMore' });
  const setUsers = (users: number) => (group: { id: number }) =>
    system.mailprotector.change({ change: 'setUsers', id: group.id, users });
  const raised = await changeCustomer(0, (group) => setUsers(group.users + 2)(group));
  const lowered = await changeCustomer(1, setUsers(1));
  const emptied = await changeCustomer(2, (group) =>
    system.mailprotector.change({ change: 'setServices', id: group.id, services: [] }),
  );
  const gone = await changeCustomer(3, () => Promise.resolve());
  await system.mailprotector.change({ change: 'removeCustomer', id: gone });

  const { run, step } = await syncUntilBlocked();
  expect(step).toMatchObject({ step: 'pullVendor', problem: { code: 'contradictory' } });
  expect(step.problem?.what).toMatch(
    /\/customers: the list did not arrive whole: the server counts one row more than it shows/,
  );
  expect(step.problem?.todo).toMatch(/Report that to it.*accept the incomplete list knowingly/);
  expect(await visibleIn(system)).toEqual(before);

  await system.api.post(accept('pullVendor'));
  const applied = await over(run.id);
  expect(applied.state).toBe('applied');
  expect(applied.incomplete).toMatchObject({ by: expect.stringMatching(/^token:/) });
  expect(applied.incomplete?.lists.join()).toContain('counts one row more');
  expect(applied.figures['incompleteLists']).toBe(applied.incomplete?.count);
  const now = await visibleIn(system);
  for (const account of [lowered, emptied, gone]) expect(quantityOf(now, account)).toEqual(quantityOf(before, account));
  expect(quantityOf(now, raised)).not.toEqual(quantityOf(before, raised));
  for (const [at, count] of quantityOf(before, raised).entries())
    expect(quantityOf(now, raised)[at]?.quantity).toBeGreaterThanOrEqual(count.quantity ?? 0);
  const account = before.mappings.find((mapping) => mapping.account === String(raised))?.psaAccount;
  const touched = (await cards()).filter((card) => card.psaAccountId === account && incompleteFlags(card).length > 0);
  expect(touched.length).toBeGreaterThan(0);
  for (const card of touched) {
    expect(card.bulkApprovable).toBe(false);
    expect(incompleteFlags(card)[0]?.words).toMatch(
      /was read from a list that was not whole, accepted by token:.* at 20/,
    );
    expect(card.approvable && (card.target ?? 0) < card.current).toBe(false);
  }
  const { items } = await system.api.get<{ items: { action: string; subjectId: string; after: unknown }[] }>(
    '/v1/audit?limit=50',
  );
  expect(items.filter((entry) => entry.action === 'incomplete.accept')).toMatchObject([
    { subjectId: ids.integrationId, after: { step: 'pullVendor', round: run.id } },
  ]);

  // It was accepted for that run only.
  const next = await syncUntilBlocked();
  expect(next.step.problem?.code).toBe('contradictory');
  await system.mailprotector.settings({ pagingLie: null });
  await system.api.post(`/v1/integrations/${ids.integrationId}/steps/pullVendor/retry`);
  // All that was kept falls now, at once: that is a swing, which a person looks at (invariant 3).
  if ((await over(next.run.id)).state === 'held') await system.api.post(`/v1/syncs/${next.run.id}/release`);
  await until(
    'the whole run to be applied',
    async () => (await latestRun(system, ids.integrationId))?.state === 'applied',
  );
  expect(await over(next.run.id)).toMatchObject({ state: 'applied', incomplete: null });
  const last = await visibleIn(system);
  expect(quantityOf(last, lowered)).not.toEqual(quantityOf(before, lowered));
  expect(quantityOf(last, gone).every(({ quantity }) => quantity === 0)).toBe(true);
  expect((await cards()).flatMap(incompleteFlags)).toEqual([]);
});

test('a PSA whose list of lines stays short: accepted, no line goes, and the cards of that account say why they are not approved in bulk', async () => {
  const agreement = 300_000 + 8 * 4;
  const path = `/finance/agreements/${agreement}/additions$`;
  await system.connectwise.fault({ kind: 'truncate', method: 'GET', path, times: null });
  const { refreshedAt } = await connection();
  await system.api.post(`/v1/psa-connections/${ids.psaConnectionId}/check`);
  const step = await until('the refresh to be blocked', async () =>
    (await connection()).process.steps.find((row) => row.step === 'pullPsa' && row.state === 'blocked'),
  );
  expect(step.problem).toMatchObject({
    code: 'incomplete',
    what: expect.stringContaining(`agreement ${agreement} lacked its line`),
  });
  await system.api.post(`/v1/psa-connections/${ids.psaConnectionId}/accept-incomplete`);
  await until('the refresh to be applied', async () => (await connection()).refreshedAt !== refreshedAt);
  expect((await connection()).incomplete).toMatchObject({
    by: expect.stringMatching(/^token:/),
    count: expect.any(Number),
  });
  const now = await visibleIn(system);
  expect(now.lines).toEqual(before.lines);
  const flagged = (await cards()).filter((card) => incompleteFlags(card).length > 0);
  expect(new Set(flagged.map((card) => card.psaAccountId)).size).toBe(1);
  expect(flagged.map((card) => card.bulkApprovable)).toEqual(flagged.map(() => false));

  await system.connectwise.clearFaults();
  await system.api.post(`/v1/psa-connections/${ids.psaConnectionId}/check`);
  await until('the refresh to be whole again', async () => (await connection()).incomplete === null);
  expect(await visibleIn(system)).toEqual(before);
  expect((await syncNow(system, ids.integrationId)).state).toBe('applied');
});
