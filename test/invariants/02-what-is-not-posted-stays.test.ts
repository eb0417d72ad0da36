/** Invariant 2, push: any posts and runs in any order against a map that remembers what was posted last. */
import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hashSecret } from '../../db/encryption.ts';
import { acceptCounts } from '../../commands/acceptCounts.ts';
import { insertIntegrationKey, settlePushed, stagePushed } from '../../db/queries/push.ts';
import { dropStaged } from '../../db/queries/staging.ts';
import { claimSyncRun, discardRun, updateRun } from '../../db/queries/sync.ts';
import { applyUsage } from '../../db/queries/usage.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { seedPush } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

/** An integration with a key that is known here. */
async function seed() {
  const { id } = await seedPush(harness.one);
  const secret = randomUUID();
  await harness.db.transaction((tx) => insertIntegrationKey(tx, id, { secret, overlapMs: 0 }));
  return { id, keys: { keyHash: hashSecret(secret), vendors: ['mailprotector'] } };
}

const countOf = ({ account, service, quantity }: Posted) => ({
  accountId: account,
  serviceId: service,
  quantity,
  build: true,
});

const accounts = ['a', 'b', 'c'];
const services = ['CloudFilter', 'SafeSend'];

interface Posted {
  account: string;
  service: string;
  quantity: number;
}

type Action =
  /** Together, and of one pair more than once: the last one stays. */
  | { kind: 'post'; counts: Posted[] }
  /** A run takes what was posted; `during` comes after it has, and before it is over. */
  | { kind: 'run'; end: 'applied' | 'discarded'; during: Posted[] };

const post = fc.record({
  account: fc.constantFrom(...accounts),
  service: fc.constantFrom(...services),
  quantity: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 50 }), fc.constantFrom(0.5, 1_000_000_000)),
});
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.array(post, { minLength: 1, maxLength: 5 }).map((counts): Action => ({ kind: 'post', counts })),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('run' as const),
      end: fc.constantFrom('applied' as const, 'applied' as const, 'discarded' as const),
      during: fc.array(post, { maxLength: 2 }),
    }),
  },
);

test('a pair shows its own last number that a run has taken, zero too; one that was never posted shows nothing', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 14 }), async (actions) => {
      const { id, keys } = await seed();
      const { db } = harness;
      await db.execute(sql`
        insert into vendor_account (integration_id, id, name, linked)
        select ${id}::uuid, a, a, true from unnest(array['a', 'b', 'c']) as a`);
      const key = (pair: { account: string; service: string }) => `${pair.account} ${pair.service}`;
      /** The oracle: what is open, what is visible, and what the last run with counts did not speak of. */
      const open = new Map<string, number>();
      const visible = new Map<string, { quantity: number; reported: boolean }>();
      const accept = async (given: Posted[], first: boolean) => {
        const kept = await acceptCounts(db, keys, given.map(countOf));
        expect(kept).toHaveLength(given.length);
        for (const [at, each] of (kept ?? []).entries()) {
          // One of them wakes whoever drives the sync, if nothing was open.
          expect(each).toMatchObject({
            accountKnown: true,
            serviceId: expect.any(String) as string,
            first: first && at === 0,
          });
        }
        for (const each of given) open.set(key(each), each.quantity);
      };
      for (const step of actions) {
        if (step.kind === 'post') {
          await accept(step.counts, open.size === 0);
          continue;
        }
        const runId = await claimSyncRun(db, { kind: 'sync', id });
        // Nothing was asked for, so nothing is run.
        if (!runId) {
          expect(open.size).toBe(0);
          continue;
        }
        await stagePushed(db, id, runId);
        const taken = new Map(open);
        if (step.during.length > 0) await accept(step.during, true);
        await db.transaction(async (tx) => {
          if (step.end === 'applied') await applyUsage(tx, id, runId, []);
          await settlePushed(tx, id, runId);
          await dropStaged(tx, runId);
          await updateRun(tx, runId, { state: step.end === 'applied' ? 'applied' : 'held', finished: true });
          if (step.end === 'discarded') await discardRun(tx, runId);
        });
        for (const pair of taken.keys()) if (!step.during.some((given) => key(given) === pair)) open.delete(pair);
        if (step.end === 'discarded') continue;
        if (taken.size > 0) for (const entry of visible.values()) entry.reported = false;
        for (const [pair, quantity] of taken) visible.set(pair, { quantity, reported: true });
      }
      const { rows } = await db.execute<{ pair: string; quantity: number; reported: boolean }>(sql`
        select vendor_account_id || ' ' || service_id as pair, quantity, not_reported_since is null as reported
          from usage_count where integration_id = ${id}`);
      expect(new Map(rows.map(({ pair, ...row }) => [pair, row]))).toEqual(visible);
      const { rows: left } = await db.execute<{ pair: string; quantity: number }>(sql`
        select vendor_account_id || ' ' || service_id as pair, quantity
          from pushed_count where integration_id = ${id} and run_id is null`);
      expect(new Map(left.map(({ pair, quantity }) => [pair, quantity]))).toEqual(open);
    }),
    { numRuns: 40 },
  );
});

test('a number of what is not known is refused, and nothing of it is kept', async () => {
  const { keys } = await seed();
  // That it was refused is noted; see test/api/vendorApiIds.test.ts.
  const others = async () => Object.entries(await harness.dump()).filter(([table]) => !table.startsWith('refused_'));
  const before = await others();
  const unknown = { account: randomUUID(), service: 'CloudFilter', quantity: 7 };
  const kept = await acceptCounts(harness.db, keys, [countOf(unknown)]);
  expect(kept).toMatchObject([{ accountKnown: false, first: false }]);
  expect(await others()).toEqual(before);
});

test('posts of many at once beside each other and beside runs that settle them: nobody waits in a circle, and the last number stays', async () => {
  const { id, keys } = await seed();
  const { db } = harness;
  await db.execute(sql`
    insert into vendor_account (integration_id, id, name, linked)
    select ${id}::uuid, 'a' || n, 'a', true from generate_series(1, 40) n`);
  const turns = 40;
  const over = new AbortController();
  // As from two API processes: within one, what a caller posts is written by one statement at a time.
  const caller = async (factor: number) => {
    for (let turn = 1; turn <= turns; turn++) {
      const given = Array.from({ length: 40 }, (_, n) => ({
        account: `a${1 + ((n * factor + turn) % 40)}`,
        service: 'CloudFilter',
        quantity: turn,
      }));
      await acceptCounts(db, keys, given.map(countOf));
    }
  };
  const runs = async () => {
    while (!over.signal.aborted) {
      const runId = await claimSyncRun(db, { kind: 'sync', id });
      if (!runId) continue;
      await db.transaction((tx) => stagePushed(tx, id, runId));
      await db.transaction(async (tx) => {
        await applyUsage(tx, id, runId, []);
        await settlePushed(tx, id, runId);
        await dropStaged(tx, runId);
        await updateRun(tx, runId, { state: 'applied', finished: true });
      });
    }
  };
  const running = runs();
  await Promise.all([caller(7), caller(39)]).finally(() => over.abort());
  await running;
  const { rows } = await db.execute<{ quantity: number; n: number }>(sql`
    select quantity, count(*)::int as n from pushed_count where integration_id = ${id} group by 1`);
  expect(rows).toEqual([{ quantity: turns, n: 40 }]);
});
