import { afterAll, beforeAll, expect, test } from 'vitest';
import { maxWaitMs } from '../../connectors/rateLimiter.ts';
import { clearPause, readPause } from '../../db/queries/rateLimit.ts';
import { createRateLimiter } from '../../worker/rateLimiter.ts';
import { createTestDatabase, type TestDatabase } from '../kit/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.close());

const longestCallMs = 60_000;

/** When each of so many calls was allowed, in milliseconds since the first was asked for; two workers share them. */
async function allowed(connection: string, callsPerSecond: number, calls: number): Promise<number[]> {
  const workers = [1, 2].map(() => createRateLimiter(database.db, connection, { callsPerSecond, longestCallMs }));
  const began = performance.now();
  const times = await Promise.all(
    Array.from({ length: calls }, async (_unused, at) => {
      await workers[at % 2]?.take('/rows');
      return performance.now() - began;
    }),
  );
  return times.toSorted((a, b) => a - b);
}

test('however many workers ask, no more calls are allowed than the rate, but for a second of them after a pause', async () => {
  const rate = 10;
  const times = await allowed('vendor/one', rate, 35);
  for (const [at, time] of times.entries()) {
    // The first second's worth is free; from then on each comes at the rate at the earliest.
    expect(time, `call ${at}`).toBeGreaterThanOrEqual(((at - rate) / rate) * 1000 - 20);
  }
});

test('what was not called for a second has its few calls at once', async () => {
  const times = await allowed('vendor/two', 4, 8);
  const [first = 0, fourth = 0, last = 0] = [times[0], times[3], times[7]];
  // In a row they would take three quarters of what the next four take.
  expect((fourth - first) / (last - fourth)).toBeLessThan(0.5);
});

test('after a 429 nobody calls before its time', async () => {
  const rateLimiter = createRateLimiter(database.db, 'vendor/three', { callsPerSecond: 100, longestCallMs });
  await rateLimiter.take('/rows');
  const began = performance.now();
  await rateLimiter.throttled(700, 'It answered 429.');
  await rateLimiter.take('/rows');
  expect(performance.now() - began).toBeGreaterThanOrEqual(680);
});

test('a long pause is not waited for: it is said how long it is and why, no permit is taken, and its end is the end', async () => {
  const connection = { of: 'vendor', id: 'four' } as const;
  const [rateLimiter, elsewhere] = [1, 2].map(() =>
    createRateLimiter(database.db, 'vendor/four', { callsPerSecond: 10, longestCallMs }),
  );
  await rateLimiter?.take('/rows');
  await rateLimiter?.throttled(60_000, 'GET /x answered 429: Slow down.');
  const began = performance.now();
  for (let at = 0; at < 30; at++) {
    const error = await elsewhere?.take('/rows').then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ kind: 'throttled', code: 'throttled', mayHaveActed: false });
    const { retryAfterMs = 0, detail } = error as { retryAfterMs?: number; detail: string };
    expect(retryAfterMs).toBeGreaterThan(50_000);
    expect(retryAfterMs).toBeLessThanOrEqual(60_000);
    expect(detail).toContain('GET /x answered 429: Slow down.');
  }
  expect(performance.now() - began).toBeLessThan(maxWaitMs);
  expect((await readPause(database.db, connection))?.why).toBe('GET /x answered 429: Slow down.');

  await clearPause(database.db, connection);
  expect(await readPause(database.db, connection)).toBeNull();
  const after = performance.now();
  await elsewhere?.take('/rows');
  expect(performance.now() - after, 'those that were refused cost nothing').toBeLessThan(1_000);
});

test('the longer of two pauses counts', async () => {
  const rateLimiter = createRateLimiter(database.db, 'vendor/five', { callsPerSecond: 10, longestCallMs });
  await rateLimiter.take('/rows');
  await rateLimiter.throttled(60_000, 'long');
  await rateLimiter.throttled(1_000, 'short');
  const pause = await readPause(database.db, { of: 'vendor', id: 'five' });
  expect((pause?.until.getTime() ?? 0) - Date.now()).toBeGreaterThan(50_000);
});

test('a route of its own rate waits for it, over all workers, and the other routes do not', async () => {
  const limits = { callsPerSecond: 1_000, perRoute: { '/slow/{id}': 4 }, longestCallMs };
  const workers = [1, 2].map(() => createRateLimiter(database.db, 'psa/routes', limits));
  const began = performance.now();
  const over = async (route: string) => {
    await Promise.all(Array.from({ length: 12 }, async (_unused, at) => workers[at % 2]?.take(route)));
    return performance.now() - began;
  };
  const [slow, quick] = await Promise.all([over('/slow/{id}'), over('/rows')]);
  // Of twelve, the first second's four are free, and the others come at the rate.
  expect(slow).toBeGreaterThanOrEqual(1_980);
  expect(quick).toBeLessThan(slow);
});

test('no more calls are under way at once than the other side bears, over all workers', async () => {
  const limits = { callsPerSecond: 1_000, concurrency: 3, longestCallMs };
  const workers = [1, 2, 3].map(() => createRateLimiter(database.db, 'psa/places', limits));
  let underWay = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 30 }, async (_unused, at) => {
      const leave = await workers[at % 3]?.enter?.();
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => void setTimeout(resolve, 5));
      underWay--;
      await leave?.();
    }),
  );
  expect([most, underWay]).toEqual([3, 0]);
});

test('the place of a worker that was killed is free when its call must be over', async () => {
  const limits = { callsPerSecond: 1_000, concurrency: 1, longestCallMs: 400 };
  const [killed, other] = [1, 2].map(() => createRateLimiter(database.db, 'psa/killed', limits));
  await killed?.enter?.();
  const began = performance.now();
  const leave = await other?.enter?.();
  expect(performance.now() - began).toBeGreaterThanOrEqual(350);
  // What the killed one would have left by now is not its place any more.
  await leave?.();
  expect(await other?.enter?.()).toBeDefined();
});

test('whoever waits for a place may give up, and takes none', async () => {
  const limits = { callsPerSecond: 1_000, concurrency: 1, longestCallMs };
  const [first, second] = [1, 2].map(() => createRateLimiter(database.db, 'psa/given-up', limits));
  const leave = await first?.enter?.();
  const ending = new AbortController();
  const waiting = second?.enter?.(ending.signal);
  ending.abort(new Error('The worker stops.'));
  await expect(waiting).rejects.toThrow(/aborted|worker stops/);
  await leave?.();
  expect(await second?.enter?.()).toBeDefined();
});
