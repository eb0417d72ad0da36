import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../../dev/until.ts';
import { startOwnStack, type OwnStack } from '../kit/ownStack.ts';
import { connectPush, postCount, pushEnv, type Pushing } from '../kit/push.ts';
import { untilAtRest } from '../kit/rest.ts';
import { startSystem, type System } from '../kit/system.ts';

let stack: OwnStack;
let system: System;
let pushing: Pushing;

interface Pair {
  account: string;
  service: string;
  quantity: number;
}

beforeAll(async () => {
  stack = await startOwnStack();
  system = await startSystem({
    customers: 26,
    database: await stack.createDatabase(),
    temporalAddress: stack.temporalAddress,
    env: pushEnv,
  });
  pushing = await connectPush(system);
  await untilAtRest(system);
}, 240_000);
afterAll(async () => {
  await system?.close();
  await stack?.close();
});

/** Mapped pairs, so that an accepted count is a 201. */
async function pairs(): Promise<Pair[]> {
  const { rows } = await system.database.db.execute<Pair & Record<string, unknown>>(sql`
    select u.vendor_account_id as account, u.service_id as service, u.quantity
      from usage_count u
      join account_mapping m on m.integration_id = u.integration_id and m.vendor_account_id = u.vendor_account_id
      join service_mapping s on s.integration_id = u.integration_id and s.service_id = u.service_id
     where u.quantity > 20 order by 1, 2`);
  return rows;
}

interface Sent {
  pair: Pair;
  /** The last number that was answered 201. */
  accepted: number | undefined;
  /** A number after it that was not answered, or refused. */
  uncertain: number | undefined;
  statuses: number[];
}

/**
 * Posts to every pair one number after the other, pairs side by side; the moment so many were accepted, `strike`.
 * A pair stops at its first number that is not accepted; past the twelfth it sends the same number.
 */
async function sendUntil(strikeAt: number, strike: () => Promise<void>, last = 12): Promise<Sent[]> {
  let accepted = 0;
  let struck: Promise<void> | undefined;
  const sent = await Promise.all(
    (await pairs()).slice(0, 8).map(async (pair) => {
      const result: Sent = { pair, accepted: undefined, uncertain: undefined, statuses: [] };
      for (let n = 1; n <= last; n++) {
        // A little more each time, so that no swing is held; a little more than the last test's, too.
        const unitCount = pair.quantity + Math.min(n, 12) / 4;
        const status = await postCount(system, pushing.key, {
          accountId: pair.account,
          service: pair.service,
          unitCount,
        })
          .then(async (answer) => {
            await answer.arrayBuffer();
            return answer.status;
          })
          .catch(() => 0);
        result.statuses.push(status);
        if (status !== 201) {
          result.uncertain = unitCount;
          break;
        }
        result.accepted = unitCount;
        if (++accepted === strikeAt) struck = strike();
      }
      return result;
    }),
  );
  expect(struck, 'it was struck in the middle').toBeDefined();
  await struck;
  return sent;
}

/** Pairs that show neither their last accepted number nor a later one that nobody was told of, once none is open. */
async function lost(sent: readonly Sent[]): Promise<unknown[]> {
  await untilAtRest(system, 120_000);
  await until('every count to have been taken', async () => {
    const { rows: open } = await system.database.db.execute(sql`select 1 from pushed_count where run_id is null`);
    return open.length === 0;
  });
  const now = await pairs();
  return sent.flatMap(({ pair, accepted, uncertain }) => {
    const shown = now.find((row) => row.account === pair.account && row.service === pair.service)?.quantity;
    return shown === (accepted ?? pair.quantity) || (shown !== undefined && shown === uncertain)
      ? []
      : [{ ...pair, accepted, uncertain, shown }];
  });
}

test('the API dies the instant counts were accepted', async () => {
  const sent = await sendUntil(20, () => system.killApi());
  await system.startApi();
  expect(await lost(sent)).toEqual([]);
});

test('the worker dies the instant counts were accepted', async () => {
  const sent = await sendUntil(20, () => system.killWorker());
  expect(sent.flatMap(({ statuses }) => statuses).every((status) => status === 201)).toBe(true);
  await system.startWorker();
  expect(await lost(sent)).toEqual([]);
});

test('PostgreSQL dies the instant counts were accepted: what comes then is refused, and can be sent again', async () => {
  // A backend of PostgreSQL may answer on for a moment when its postmaster is gone: they all send until they are refused.
  const sent = await sendUntil(20, () => stack.kill('postgres'), Infinity);
  const refused = sent.flatMap(({ statuses }) => statuses).filter((status) => status !== 201);
  expect(refused).toHaveLength(sent.length);
  expect(refused.every((status) => status === 503)).toBe(true);
  await stack.start('postgres');
  await until('the API to be ready again', async () => (await fetch(`${system.api.url}/readyz`)).ok);
  expect(await lost(sent)).toEqual([]);
});

test('Temporal dies the instant counts were accepted, and more are accepted while it is away', async () => {
  const sent = await sendUntil(20, () => stack.kill('temporal'));
  expect(sent.flatMap(({ statuses }) => statuses).every((status) => status === 201)).toBe(true);
  const [first] = sent;
  if (!first) throw new Error('Nothing was sent.');
  const began = performance.now();
  const unitCount = first.pair.quantity + 5;
  const answer = await postCount(system, pushing.key, {
    accountId: first.pair.account,
    service: first.pair.service,
    unitCount,
  });
  expect(answer.status).toBe(201);
  // Nobody waits for Temporal: a wake with the server down takes seconds.
  expect(performance.now() - began).toBeLessThan(2_000);
  first.accepted = unitCount;
  await stack.start('temporal');
  expect(await lost(sent)).toEqual([]);
});

test('all of them die at once', async () => {
  const sent = await sendUntil(20, async () => {
    await Promise.all([stack.kill('postgres'), stack.kill('temporal'), system.killApi(), system.killWorker()]);
  });
  await Promise.all([stack.start('postgres'), stack.start('temporal')]);
  await Promise.all([system.startApi(), system.startWorker()]);
  expect(await lost(sent)).toEqual([]);
});
