import { eq } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { beginStep, blockStep } from '../../db/queries/process.ts';
import { approvalBatch } from '../../db/schema/index.ts';
import { until } from '../../dev/until.ts';
import { findRoute, misfits } from '../kit/apiContract.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { seedRun, type Tenant } from '../kit/apiTenant.ts';
import { openEvents, type EventStream, type StreamEvent } from '../kit/eventStream.ts';

let harness: ApiHarness;
const open: EventStream[] = [];
beforeAll(async () => {
  harness = await startApi();
});
afterEach(() => {
  for (const stream of open.splice(0)) stream.close();
});
afterAll(() => harness?.close());

interface Live {
  integrations: { id: string; sync: { steps: { step: string; state: string; problem: { code: string } | null }[] } }[];
  health: { integrationId: string }[];
  approvals: { id: string; state: string; by: string }[];
}
const liveIn = (event: StreamEvent) => event.data as Live;
const stateOf = (event: StreamEvent, id: string, step: string) =>
  liveIn(event)
    .integrations.find((each) => each.id === id)
    ?.sync.steps.find((each) => each.step === step)?.state;

async function follow(of: Tenant, options: { url?: string; known?: string | undefined } = {}): Promise<EventStream> {
  const stream = await openEvents(`${options.url ?? harness.url}/v1/events`, {
    authorization: `Bearer ${of.tokens.read}`,
    ...(options.known === undefined ? {} : { 'last-event-id': options.known }),
  });
  open.push(stream);
  return stream;
}
const first = (stream: EventStream) => stream.event('the first event', () => true);

test('the first event is what is now, as the lists of the API say it, and fits the contract', async () => {
  const stream = await follow(harness.one);
  expect(stream.response.headers.get('content-type')).toContain('text/event-stream');
  expect(stream.response.headers.get('cache-control')).toContain('no-cache');
  const event = await first(stream);
  expect(event.event).toBe('live');
  const schema = findRoute(harness.contract, 'GET', '/v1/events')?.operation.responses[200]?.content?.[
    'text/event-stream'
  ]?.schema;
  expect(misfits(harness.contract, schema ?? {}, event.data)).toEqual([]);
  const { items } = await harness.admin.good<{ items: unknown[] }>('GET', '/v1/integrations');
  expect(liveIn(event).integrations).toEqual(items);
});

test('whatever moves is told to everybody who follows, through whichever api, with the same id', async () => {
  // Another api process on the same database.
  const second = await startApi({ db: harness.db });
  const { integrationId: id } = harness.one;
  const runId = await seedRun(harness.one);
  const streams = [
    await follow(harness.one),
    await follow(harness.one),
    await follow(harness.one, { url: second.url }),
  ];
  const step = { kind: 'sync', id, round: runId, step: 'pullVendor' } as const;
  await Promise.all(streams.map(first));
  await beginStep(harness.db, step);
  const is = (state: string) => (event: StreamEvent) => stateOf(event, id, 'pullVendor') === state;
  const running = await Promise.all(streams.map((stream) => stream.event('it to run', is('running'))));
  await blockStep(harness.db, step, { code: 'unreachable' });
  const blocked = await Promise.all(streams.map((stream) => stream.event('it to be blocked', is('blocked'))));
  for (const seen of [running, blocked]) expect(new Set(seen.map((event) => event.id)).size).toBe(1);
  expect(running[0]?.id).not.toBe(blocked[0]?.id);
  await second.close();
});

test('an approval that is given, and one that is over, are told', async () => {
  const { organizationId, psaConnectionId } = harness.one;
  const stream = await follow(harness.one);
  await first(stream);
  const [batch] = await harness.db
    .insert(approvalBatch)
    .values({ organizationId, psaConnectionId, state: 'requested', requestedBy: 'person:somebody' })
    .returning({ id: approvalBatch.id });
  const id = batch?.id ?? '';
  const is = (state: string) => (event: StreamEvent) =>
    liveIn(event).approvals.some((each) => each.id === id && each.state === state && each.by === 'person:somebody');
  const given = await stream.event('it to be given', is('requested'));
  await harness.db.update(approvalBatch).set({ state: 'closed' }).where(eq(approvalBatch.id, id));
  const over = await stream.event('it to be over', is('closed'));
  expect(over.id).not.toBe(given.id);
});

test('a follower who comes back gets what happened meanwhile, and nothing if nothing did', async () => {
  const { integrationId: id } = harness.one;
  const round = await seedRun(harness.one);
  const before = await first(await follow(harness.one));
  const same = await follow(harness.one, { known: before.id });
  await until('the stream to be open', () => same.text().includes(': open'));
  await beginStep(harness.db, { kind: 'sync', id, round, step: 'checkComplete' });
  // It waited for the step to move: what it knew already was not sent again.
  const event = await first(same);
  expect(stateOf(event, id, 'checkComplete')).toBe('running');
  expect(event.id).not.toBe(before.id);
  const late = await first(await follow(harness.one, { known: before.id }));
  expect(late.id).toBe(event.id);
});

test('nobody is told of another organization, nor woken by it', async () => {
  const mine = await follow(harness.one);
  const theirs = await follow(harness.other);
  await Promise.all([first(mine), first(theirs)]);
  const told = mine.events().length;
  const runId = await seedRun(harness.other);
  await beginStep(harness.db, { kind: 'sync', id: harness.other.integrationId, round: runId, step: 'pullVendor' });
  await theirs.event('it to run', (event) => stateOf(event, harness.other.integrationId, 'pullVendor') === 'running');
  expect(mine.events().length).toBe(told);
  for (const known of [harness.other.integrationId, harness.other.psaConnectionId, harness.other.organizationId])
    expect(mine.text()).not.toContain(known);
  for (const secret of [harness.one.tokens.read, harness.one.tokens.admin]) expect(mine.text()).not.toContain(secret);
});

test('thirty who follow cost as many looks at the database as one, and none once they are gone', async () => {
  const pool = harness.db.$client;
  const ask = pool.query.bind(pool) as (...args: unknown[]) => unknown;
  let looks = 0;
  const counted = (...args: unknown[]) => {
    if (JSON.stringify(args[0]).includes('as mark')) looks++;
    return ask(...args);
  };
  pool.query = counted as typeof pool.query;
  try {
    const began = performance.now();
    const streams = await Promise.all(Array.from({ length: 30 }, () => follow(harness.one)));
    await Promise.all(streams.map(first));
    await until('five looks', () => looks >= 5);
    // One a second, and one at once for the first follower.
    expect(looks).toBeLessThanOrEqual((performance.now() - began) / 1000 + 2);
    for (const stream of streams) stream.close();
    const ended = () => harness.logs.filter((line) => line.includes('an event stream ended')).length;
    await until('the streams to end', () => ended() >= 30);
    const last = looks;
    const other = await follow(harness.other);
    await first(other);
    other.close();
    // The look of the other organization, and at most one that was under way.
    expect(looks - last).toBeLessThanOrEqual(3);
  } finally {
    pool.query = ask as typeof pool.query;
  }
});
