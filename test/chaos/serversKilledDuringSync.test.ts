import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { connectAll, latestRun, type RunView } from '../../dev/walkthrough/guide.ts';
import { outcomeOf, type Outcome } from '../kit/outcome.ts';
import { startOwnStack, type OwnStack } from '../kit/ownStack.ts';
import { untilAtRest } from '../kit/rest.ts';
import { customersOf } from '../kit/simulatorState.ts';
import { startSystem, type System } from '../kit/system.ts';
import { until } from '../../dev/until.ts';

let stack: OwnStack;
let system: System;
let integrationId: string;
let psaConnectionId: string;
let before: Outcome;

beforeAll(async () => {
  stack = await startOwnStack();
  system = await startSystem({ database: await stack.createDatabase(), temporalAddress: stack.temporalAddress });
  ({ integrationId, psaConnectionId } = await connectAll(system));
}, 240_000);
afterAll(async () => {
  await system?.close();
  await stack?.close();
});
beforeEach(async () => {
  await system.mailprotector.clearFaults();
  await system.connectwise.clearFaults();
  before = await outcomeOf(system);
});

/** One customer more users, so that there is something to see when the sync is over. */
async function moveOneCustomer(): Promise<void> {
  const customer = (await customersOf(system))[25];
  const users = (customer?.domains[0]?.groups[0]?.users ?? 0) + 1;
  await system.mailprotector.change({ change: 'setUsers', customerId: customer?.id, users });
}

/** A sync that is in the middle of reading groups. */
async function syncHalfWay(): Promise<void> {
  await moveOneCustomer();
  await system.mailprotector.clearLog();
  await system.mailprotector.fault({ kind: 'latency', ms: 60, times: null });
  await system.api.post(`/v1/integrations/${integrationId}/syncs`);
  await until(
    'some groups to be read',
    async () => (await system.mailprotector.log('GET', '/user_groups/\\d+/services')).length > 10,
  );
}

/** What changed is the one customer, once; nothing was lost, nothing done twice. */
async function expectOneMore(runs: number): Promise<void> {
  const now = await outcomeOf(system);
  const total = (outcome: Outcome) => outcome.counts.reduce((sum, count) => sum + (count.quantity ?? 0), 0);
  const services = now.counts.filter((count, at) => count.quantity !== before.counts[at]?.quantity);
  expect(services.length).toBeGreaterThan(0);
  expect(total(now)).toBe(total(before) + services.length);
  expect(now.counts.every((count) => count.reported)).toBe(true);
  expect(now.mappings).toEqual(before.mappings);
  expect(now.billed).toEqual(before.billed);
  expect(now.cards).toHaveLength(before.cards.length);
  expect(now.leftovers).toEqual([]);
  const applied = (outcome: Outcome) => outcome.audit.find((row) => row.includes('sync.applied')) ?? '0';
  expect(Number.parseInt(applied(now), 10)).toBe(Number.parseInt(applied(before), 10) + runs);
}

test('Temporal killed during a sync: the API says so and keeps taking facts, and all of them happen when it is back', async () => {
  await syncHalfWay();
  await stack.kill('temporal');
  const readiness = await fetch(`${system.api.url}/readyz`);
  // Ready, because facts are accepted; and it says what is missing.
  expect(readiness.status).toBe(200);
  expect(await readiness.json()).toMatchObject({ ready: true, temporal: 'away' });
  const began = performance.now();
  const answer = await system.api.call<{ state: string }>('POST', `/v1/integrations/${integrationId}/syncs`);
  expect(answer).toMatchObject({ status: 202, body: { state: 'requested' } });
  const writes = await system.api.call('PUT', `/v1/psa-connections/${psaConnectionId}/writes`, { enabled: false });
  expect(writes.status).toBe(200);
  // Nobody waits for Temporal: a wake with the server down takes seconds.
  expect(performance.now() - began).toBeLessThan(2_000);
  await stack.start('temporal');
  await untilAtRest(system, 120_000);
  await expectOneMore(2);
});

test('PostgreSQL killed during a sync: the API refuses clearly, takes nothing falsely, and the sync goes on when it is back', async () => {
  await syncHalfWay();
  await stack.kill('postgres');
  const refused = async () => {
    const answer = await system.api.call<{ code: string; detail: string }>(
      'POST',
      `/v1/integrations/${integrationId}/syncs`,
    );
    expect(answer.status).toBe(503);
    expect(answer.body.code).toBe('database-unavailable');
    expect(answer.body.detail).toMatch(/nothing was changed/i);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.headers.get('retry-after')).not.toBeNull();
  };
  await refused();
  await refused();
  const readiness = await fetch(`${system.api.url}/readyz`);
  expect(readiness.status).toBe(503);
  expect(await readiness.json()).toMatchObject({ ready: false, database: 'away' });
  await stack.start('postgres');
  await until('the API to be ready again', async () => (await fetch(`${system.api.url}/readyz`)).ok);
  await untilAtRest(system, 120_000);
  // The refused requests left nothing behind: one run, for the one that was taken.
  await expectOneMore(1);
});

test('both killed at once, and the worker with them', async () => {
  await syncHalfWay();
  await Promise.all([stack.kill('postgres'), stack.kill('temporal'), system.killWorker()]);
  await Promise.all([stack.start('postgres'), stack.start('temporal')]);
  await system.startWorker();
  await untilAtRest(system, 120_000);
  expect((await latestRun(system, integrationId))?.state).toBe('applied');
  await expectOneMore(1);
});

test('the API killed right after it answered: what it took happens', async () => {
  await moveOneCustomer();
  const runBefore = await latestRun(system, integrationId);
  const answer = await system.api.call('POST', `/v1/integrations/${integrationId}/syncs`);
  expect(answer.status).toBe(202);
  await system.killApi();
  await untilAtRest(system, 120_000);
  await system.startApi();
  const run: RunView | undefined = await latestRun(system, integrationId);
  expect(run?.id).not.toBe(runBefore?.id);
  await expectOneMore(1);
});
