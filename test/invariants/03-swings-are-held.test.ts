import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { latestRun, syncNow, type CardView, type RunView } from '../../dev/walkthrough/guide.ts';
import { until } from '../../dev/until.ts';
import { connectPush, postCount, pushEnv, type Pushing } from '../kit/push.ts';
import { untilAtRest } from '../kit/rest.ts';
import { startSystem, type System } from '../kit/system.ts';
import { visibleIn } from '../kit/visible.ts';

let system: System;
let pushing: Pushing;

interface Pair {
  account: string;
  service: string;
  quantity: number;
  /** An unmapped customer's number counts in the run's total too, and is on no card. */
  mapped: boolean;
}

beforeAll(async () => {
  system = await startSystem({
    customers: 28,
    env: { ...pushEnv, PUSH_LEFTOVER_MS: '60000', PUBLIC_URL: 'https://countersign.example' },
  });
  pushing = await connectPush(system);
  await untilAtRest(system);
});
afterAll(() => system?.close());

/** Pairs above zero, largest first. */
async function pairs(): Promise<Pair[]> {
  const { rows } = await system.database.db.execute<Pair & Record<string, unknown>>(sql`
    select u.vendor_account_id as account, u.service_id as service, u.quantity, m.psa_account_id is not null as mapped
      from usage_count u
      left join account_mapping m on m.integration_id = u.integration_id and m.vendor_account_id = u.vendor_account_id
     where u.quantity > 0 order by u.quantity desc, 1, 2`);
  return [...rows];
}

const total = async () => (await pairs()).reduce((sum, pair) => sum + pair.quantity, 0);

/** Posts these numbers as one burst, and waits until the run that takes them is over. */
async function send(counts: readonly Pair[]): Promise<RunView> {
  const before = await latestRun(system, pushing.id);
  for (const [at, { account, service, quantity, mapped }] of counts.entries()) {
    // Only the last one ends the burst, however slow this machine is.
    const noBuild = at < counts.length - 1;
    const answer = await postCount(system, pushing.key, { accountId: account, service, unitCount: quantity, noBuild });
    expect(answer.status).toBe(mapped ? 201 : 404);
  }
  return until('the run of what was sent', async () => {
    const run = await latestRun(system, pushing.id);
    return run && run.id !== before?.id && run.state !== 'running' ? run : undefined;
  });
}

/** All numbers times a factor: far beyond 20 % of the total. */
async function timesFactor(factor: number): Promise<Pair[]> {
  return (await pairs()).map((pair) => ({ ...pair, quantity: Math.round(pair.quantity * factor) }));
}

/** A workflow as the Temporal UI shows it. */
async function shown(workflowId: string) {
  const handle = system.temporal.workflow.getHandle(workflowId);
  const { status, searchAttributes } = await handle.describe();
  const { currentDetails } = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
  const [blocked, problem] = [searchAttributes['Blocked']?.[0], searchAttributes['Problem']?.[0] ?? null];
  return { status: status.name, blocked, problem, details: currentDetails };
}
const untilShown = (what: { status: string; problem: string | null }, workflowId = `sync/${pushing.id}`) =>
  until(`the workflow ${workflowId} to be ${JSON.stringify(what)}`, async () => {
    const now = await shown(workflowId);
    if (now.status === what.status && now.problem === what.problem) return now;
    throw new Error(`It is ${JSON.stringify(now)}`);
  });

interface HealthView {
  state: string;
  waits: { for: string; what: string; code?: string; workflowId: string }[];
}
const health = () => system.api.get<HealthView>(`/v1/integrations/${pushing.id}/health`);

test('the first run is not held, though everything in it is new', async () => {
  const { items } = await system.api.get<{ items: RunView[] }>(`/v1/integrations/${pushing.id}/syncs`);
  expect(items.at(-1)?.state).toBe('applied');
  expect(await total()).toBeGreaterThan(200);
});

test.each([
  ['up', (quantity: number) => Math.ceil(quantity * 1.5) + 11],
  ['down', (quantity: number) => Math.floor(quantity * 0.4)],
])('one pair that moves too far %s is shown, with its card held for a look', async (_way, moved) => {
  // Large enough to be beyond the 10 units, small enough to move the total by less than its limit.
  const sum = await total();
  const pair = (await pairs()).find(({ quantity, mapped }) => {
    const by = Math.abs(moved(quantity) - quantity);
    return mapped && by > 10 && by < 0.15 * sum;
  });
  if (!pair) throw new Error('The simulated world has no such pair.');
  const run = await send([{ ...pair, quantity: moved(pair.quantity) }]);
  expect(run.state).toBe('applied');
  const held = (await system.api.all<CardView>('/v1/cards')).filter((card) =>
    card.flags.some((flag) => flag.code === 'check_first'),
  );
  expect(held.length).toBeGreaterThan(0);
  expect(held.every((card) => !card.bulkApprovable)).toBe(true);
  expect((await pairs()).find((row) => row.account === pair.account && row.service === pair.service)?.quantity).toBe(
    moved(pair.quantity),
  );
});

test.each([
  ['half of everything', 0.5],
  ['double everything', 2],
])('a run with %s shows nothing until a person releases it', async (_what, factor) => {
  const before = await visibleIn(system);
  const moved = await timesFactor(factor);
  const run = await send(moved);
  expect(run).toMatchObject({ state: 'held', guard: { reasons: expect.arrayContaining(['total_swing']) } });
  expect(await visibleIn(system)).toEqual(before);
  // Its workflow waits for a person, and says for what in the same words as health.
  const { blocked, details } = await untilShown({ status: 'RUNNING', problem: 'held' });
  expect(blocked).toBe(true);
  const { totalBefore, totalAfter } = run.guard?.figures ?? {};
  for (const part of [
    `total ${totalBefore} → ${totalAfter}`,
    `POST /v1/syncs/${run.id}/release`,
    `POST /v1/syncs/${run.id}/discard`,
    `https://countersign.example/runs/${run.id}`,
  ])
    expect(details).toContain(part);
  const { state, waits } = await health();
  expect(state).toBe('attention');
  expect(waits).toMatchObject([{ for: 'person', code: 'held', workflowId: `sync/${pushing.id}` }]);
  expect(details).toContain(waits[0]?.what.split('. ')[1]);
  expect(await (await fetch(`${system.api.url}/metrics`)).text()).toContain(
    `countersign_held_runs{integration="${pushing.id}"} 1`,
  );
  await system.api.post(`/v1/syncs/${run.id}/release`);
  await untilAtRest(system);
  await until('the released run to be applied', async () => (await latestRun(system, pushing.id))?.state === 'applied');
  const now = await pairs();
  for (const pair of moved.filter(({ quantity }) => quantity > 0))
    expect(now).toContainEqual(expect.objectContaining(pair));
  await untilShown({ status: 'COMPLETED', problem: null });
  expect(await health()).toMatchObject({ waits: [] });
});

test('a run that loses pairs is held though the total stays', async () => {
  const before = await visibleIn(system);
  const rows = await pairs();
  const lost = rows.slice(-Math.ceil(rows.length * 0.4));
  const first = rows[0];
  if (!first) throw new Error('There is no pair.');
  const gone = lost.reduce((sum, pair) => sum + pair.quantity, 0);
  const run = await send([
    ...lost.map((pair) => ({ ...pair, quantity: 0 })),
    { ...first, quantity: first.quantity + gone },
  ]);
  expect(run).toMatchObject({ state: 'held', guard: { reasons: ['pairs_swing'] } });
  expect(await visibleIn(system)).toEqual(before);
  // Discarded it leaves nothing, and what was sent does not come back with the next one.
  await untilShown({ status: 'RUNNING', problem: 'held' });
  await system.api.post(`/v1/syncs/${run.id}/discard`);
  await untilShown({ status: 'COMPLETED', problem: null });
  expect((await syncNow(system, pushing.id)).state).toBe('applied');
  expect((await visibleIn(system)).counts).toEqual(before.counts);
});

test('a held run is superseded by a newer complete one that is not', async () => {
  const usual = await pairs();
  const held = await send(await timesFactor(3));
  expect(held.state).toBe('held');
  // Whoever terminates its workflow does not lose it: the next sync finds it, and so it is shown as blocked again.
  await untilShown({ status: 'RUNNING', problem: 'held' });
  await system.temporal.workflow.getHandle(`sync/${pushing.id}`).terminate('a test');
  const again = await send(await timesFactor(3));
  expect(again.state).toBe('held');
  expect((await system.api.get<RunView>(`/v1/syncs/${held.id}`)).state).toBe('superseded');
  await untilShown({ status: 'RUNNING', problem: 'held' });
  const run = await send(usual);
  expect(run.state).toBe('applied');
  expect(await pairs()).toEqual(usual);
  expect((await system.api.get<RunView>(`/v1/syncs/${again.id}`)).state).toBe('superseded');
  const refused = await system.api.call('POST', `/v1/syncs/${again.id}/release`);
  expect(refused.status).toBe(409);
  expect(await pairs()).toEqual(usual);
  await untilShown({ status: 'COMPLETED', problem: null });
});

test('a reading of the PSA that lost too many rows is held: nothing of it is shown until a person releases it', async () => {
  const { db } = system.database;
  const [connection] = (await system.api.get<{ items: { id: string }[] }>('/v1/psa-connections')).items;
  const path = `/v1/psa-connections/${connection?.id}`;
  const held = (not?: string) =>
    until('the reading to be held', async () => {
      const { heldRefresh } = await system.api.get<{ heldRefresh: { id: string; words: string } | null }>(path);
      return heldRefresh && heldRefresh.id !== not ? heldRefresh : undefined;
    });
  const ours = async () => {
    const { rows } = await db.execute<{ n: number }>(sql`
      select count(*)::int as n from psa_account where psa_connection_id = ${connection?.id} and id like 'seen-%'`);
    return rows[0]?.n;
  };
  // What the PSA showed before, and shows no more: as to an agent who is limited to some customers now.
  await db.execute(sql`
    insert into psa_account (psa_connection_id, id, name, active, prospect)
    select ${connection?.id}::uuid, 'seen-' || n, 'Seen ' || n, true, false from generate_series(1, 60) n`);
  await system.api.post(`${path}/check`);
  const first = await held();
  expect(first.words).toContain('without an error');
  expect(await ours()).toBe(60);
  await until('the step to be blocked, so that everybody sees it', async () =>
    JSON.stringify(await system.api.get(path)).includes('"code":"held"'),
  );
  // It is told as a held run is: in the Temporal UI, in health and in the metrics.
  const workflowId = `psa/${connection?.id}`;
  const told = (await health()).waits.filter((wait) => wait.workflowId === workflowId);
  expect(told).toMatchObject([{ for: 'person', code: 'held', what: expect.stringContaining(first.words) }]);
  expect(await (await fetch(`${system.api.url}/metrics`)).text()).toContain(
    `countersign_held_runs{integration="${pushing.id}"} 1`,
  );
  const { details } = await untilShown({ status: 'RUNNING', problem: 'held' }, workflowId);
  expect(details).toContain(`POST ${path}/refreshes/${first.id}/release`);
  // Discarded, the PSA is read anew, and lacks the rows still.
  await system.api.post(`${path}/refreshes/${first.id}/discard`);
  const second = await held(first.id);
  expect(await ours()).toBe(60);
  await system.api.post(`${path}/refreshes/${second.id}/release`);
  await until('the released reading to be shown', async () => (await ours()) === 0);
  await untilAtRest(system);
});
