/** Invariant 2, push: any posts and runs in any order against a map that remembers what was posted last. */
import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hashSecret } from '../../db/encryption.ts';
import { acceptCount, insertIntegrationKey, settlePushed, stagePushed } from '../../db/queries/push.ts';
import { dropStaged } from '../../db/queries/staging.ts';
import { applyUsage, claimSyncRun, updateRun } from '../../db/queries/sync.ts';
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

const accounts = ['a', 'b', 'c'];
const services = ['CloudFilter', 'SafeSend'];

type Action =
  | { kind: 'post'; account: string; service: string; quantity: number }
  /** A run takes what was posted; `during` comes after it has, and before it is over. */
  | { kind: 'run'; end: 'applied' | 'discarded'; during: { account: string; service: string; quantity: number }[] };

const post = fc.record({
  account: fc.constantFrom(...accounts),
  service: fc.constantFrom(...services),
  quantity: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 50 }), fc.constantFrom(0.5, 1_000_000_000)),
});
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 3, arbitrary: post.map((given): Action => ({ kind: 'post', ...given })) },
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
      const accept = async (given: { account: string; service: string; quantity: number }) => {
        const kept = await acceptCount(db, keys, {
          accountId: given.account,
          serviceId: given.service,
          quantity: given.quantity,
          build: true,
        });
        expect(kept).toMatchObject({ accountKnown: true, serviceKnown: true });
        open.set(key(given), given.quantity);
      };
      for (const step of actions) {
        if (step.kind === 'post') {
          await accept(step);
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
        for (const given of step.during) await accept(given);
        await db.transaction(async (tx) => {
          if (step.end === 'applied') await applyUsage(tx, id, runId, []);
          await settlePushed(tx, id, runId);
          await dropStaged(tx, runId);
          await updateRun(tx, runId, { state: step.end, finished: true });
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
  const before = await harness.dump();
  const kept = await acceptCount(harness.db, keys, {
    accountId: randomUUID(),
    serviceId: 'CloudFilter',
    quantity: 7,
    build: true,
  });
  expect(kept).toMatchObject({ accountKnown: false, first: false });
  expect(await harness.dump()).toEqual(before);
});
