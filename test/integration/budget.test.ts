import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBudget } from '../../worker/budget.ts';
import { createTestDatabase, type TestDatabase } from '../kit/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.close());

/** When each of so many calls was allowed, in milliseconds since the first was asked for; two workers share them. */
async function allowed(connection: string, callsPerSecond: number, calls: number): Promise<number[]> {
  const workers = [1, 2].map(() => createBudget(database.db, connection, callsPerSecond));
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
  const budget = createBudget(database.db, 'vendor/three', 100);
  await budget.take();
  const began = performance.now();
  await budget.throttled(700);
  await budget.take();
  expect(performance.now() - began).toBeGreaterThanOrEqual(680);
});
