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

/** When each of so many calls was allowed, in milliseconds since the first was asked for; two workers share them. */
async function allowed(connection: string, callsPerSecond: number, calls: number): Promise<number[]> {
  const workers = [1, 2].map(() => createRateLimiter(database.db, connection, callsPerSecond));
  const began = performance.now();
  const times = await Promise.all(
    Array.from({ length: calls }, async (_unused, at) => {
      await workers[at % 2]?.take();
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
  const rateLimiter = createRateLimiter(database.db, 'vendor/three', 100);
  await rateLimiter.take();
  const began = performance.now();
  await rateLimiter.throttled(700, 'It answered 429.');
  await rateLimiter.take();
  expect(performance.now() - began).toBeGreaterThanOrEqual(680);
});

test('a long pause is not waited for: it is said how long it is and why, no permit is taken, and its end is the end', async () => {
  const connection = { of: 'vendor', id: 'four' } as const;
  const [rateLimiter, elsewhere] = [1, 2].map(() => createRateLimiter(database.db, 'vendor/four', 10));
  await rateLimiter?.take();
  await rateLimiter?.throttled(60_000, 'GET /x answered 429: Slow down.');
  const began = performance.now();
  for (let at = 0; at < 30; at++) {
    const error = await elsewhere?.take().then(
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
  await elsewhere?.take();
  expect(performance.now() - after, 'those that were refused cost nothing').toBeLessThan(1_000);
});

test('the longer of two pauses counts', async () => {
  const rateLimiter = createRateLimiter(database.db, 'vendor/five', 10);
  await rateLimiter.take();
  await rateLimiter.throttled(60_000, 'long');
  await rateLimiter.throttled(1_000, 'short');
  const pause = await readPause(database.db, { of: 'vendor', id: 'five' });
  expect((pause?.until.getTime() ?? 0) - Date.now()).toBeGreaterThan(50_000);
});
