import fc from 'fast-check';
import { expect, test } from 'vitest';
import { defaultSwing, guard, swingSettings } from '../../domain/swingGuard.ts';

const pairs = fc
  .dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.option(fc.integer({ min: 0, max: 500 })))
  .map((map) => Object.entries(map).map(([key, quantity]) => ({ key, quantity })));

test('the first run is never held', () => {
  fc.assert(
    fc.property(pairs, pairs, (previous, next) => {
      const verdict = guard({ previous, next, settings: defaultSwing, firstRun: true });
      expect(verdict).toMatchObject({ held: false, heldPairs: [] });
    }),
  );
});

test('a run is held exactly when its total or its pairs above zero moved beyond the limit, up or down', () => {
  fc.assert(
    fc.property(pairs, pairs, (previous, next) => {
      const old = new Map(previous.map((pair) => [pair.key, pair.quantity ?? 0]));
      const now = new Map(old);
      for (const pair of next) now.set(pair.key, pair.quantity ?? 0);
      const figures = (values: Iterable<number>) => {
        const list = [...values];
        return [list.reduce((a, b) => a + b, 0), list.filter((value) => value > 0).length];
      };
      const [total = 0, above = 0] = figures(old.values());
      const [newTotal = 0, newAbove = 0] = figures(now.values());
      const beyond = (a: number, b: number) => (a === 0 ? b !== 0 : Math.abs(b / a - 1) > 0.2 + 1e-12);
      const verdict = guard({ previous, next, settings: defaultSwing, firstRun: false });
      expect(verdict.held).toBe(beyond(total, newTotal) || beyond(above, newAbove));
    }),
    { numRuns: 1_000 },
  );
});

test.each([
  [100, 151, true],
  [100, 49, true],
  [100, 150, false],
  [1, 5, false],
  [0, 11, true],
])('a pair that moves from %d to %d is checked first: %s', (before, after, held) => {
  const verdict = guard({
    previous: [
      { key: 'p', quantity: before },
      { key: 'big', quantity: 100_000 },
    ],
    next: [{ key: 'p', quantity: after }],
    settings: defaultSwing,
    firstRun: false,
  });
  expect(verdict.heldPairs).toEqual(held ? ['p'] : []);
});

test('settings that are missing or make no sense are the defaults', () => {
  expect(swingSettings({ totalPercent: 5, pairUnits: 'many', pairPercent: -1 })).toEqual({
    ...defaultSwing,
    totalPercent: 5,
  });
});
