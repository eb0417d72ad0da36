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
  system = await startSystem({ customers: 28, env: { ...pushEnv, PUSH_LEFTOVER_MS: '60000' } });
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
  await system.api.post(`/v1/syncs/${run.id}/release`);
  await untilAtRest(system);
  await until('the released run to be applied', async () => (await latestRun(system, pushing.id))?.state === 'applied');
  const now = await pairs();
  for (const pair of moved.filter(({ quantity }) => quantity > 0))
    expect(now).toContainEqual(expect.objectContaining(pair));
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
  await system.api.post(`/v1/syncs/${run.id}/discard`);
  expect((await syncNow(system, pushing.id)).state).toBe('applied');
  expect((await visibleIn(system)).counts).toEqual(before.counts);
});

test('a held run is superseded by a newer complete one that is not', async () => {
  const usual = await pairs();
  const held = await send(await timesFactor(3));
  expect(held.state).toBe('held');
  const run = await send(usual);
  expect(run.state).toBe('applied');
  expect(await pairs()).toEqual(usual);
  expect((await system.api.get<RunView>(`/v1/syncs/${held.id}`)).state).toBe('superseded');
  const refused = await system.api.call('POST', `/v1/syncs/${held.id}/release`);
  expect(refused.status).toBe(409);
  expect(await pairs()).toEqual(usual);
});
