import fc from 'fast-check';
import { expect, test } from 'vitest';
import { billedQuantity, money, roundHalfUp, roundQuantity, sameQuantity, tidy } from '../../domain/quantities.ts';

// Whole ten-thousandths: the quantities a PSA can keep, known exactly.
const tenThousandths = fc.integer({ min: -10_000_000, max: 1_000_000_000 });

test('tidying keeps four decimals and changes nothing that has no more', () => {
  fc.assert(
    fc.property(tenThousandths, (units) => {
      expect(tidy(units / 10_000)).toBe(units === 0 ? 0 : units / 10_000);
    }),
  );
});

test('sums in binary fractions are the sums people expect', () => {
  expect(tidy(0.1 + 0.2)).toBe(0.3);
  expect(Object.is(tidy(-0.00001), 0)).toBe(true);
  expect(sameQuantity(0.1 + 0.2, 0.3)).toBe(true);
  expect(sameQuantity(1, 1.0001)).toBe(false);
});

test('rounding up, down and to the nearest agree with counting in ten-thousandths', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10_000_000 }), fc.constantFrom(0, 1e-9, -1e-9), (units, noise) => {
      const rest = units % 10_000;
      const under = (units - rest) / 10_000;
      const quantity = units / 10_000 + noise;
      expect(roundQuantity(quantity, 'down')).toBe(under);
      expect(roundQuantity(quantity, 'up')).toBe(rest === 0 ? under : under + 1);
      expect(roundQuantity(quantity, 'nearest')).toBe(rest >= 5_000 ? under + 1 : under);
      expect(roundQuantity(quantity, 'none')).toBe(units / 10_000);
    }),
  );
});

/** A decimal number rounded half up by its digits, as on paper; no binary fraction comes near it. */
function onPaper(text: string, decimals: number): number {
  const [whole = '', fraction = ''] = text.split('.');
  const digits = fraction.padEnd(4, '0');
  const kept = BigInt(whole + digits.slice(0, decimals));
  const rounded = Number(digits[decimals] ?? '0') >= 5 ? kept + 1n : kept;
  const all = rounded.toString().padStart(decimals + 1, '0');
  return Number(`${all.slice(0, all.length - decimals)}.${all.slice(all.length - decimals)}0`);
}

test('half up is what it is on paper, for every quantity a PSA can keep and every number of decimals', () => {
  const text = fc
    .tuple(fc.nat(1_000_000), fc.oneof(fc.nat(9_999), fc.constantFrom(5, 50, 500, 5_000, 4_999, 9_950, 9_995)))
    .map(([whole, fraction]) => `${whole}.${String(fraction).padStart(4, '0')}`);
  fc.assert(
    fc.property(text, fc.integer({ min: 0, max: 4 }), (number, decimals) => {
      expect(roundHalfUp(Number(number), decimals)).toBe(onPaper(number, decimals));
    }),
    { numRuns: 5_000 },
  );
});

test.each([
  [1.005, 2, 1.01],
  [31.3457, 2, 31.35],
  [0.285, 2, 0.29],
  [1.045, 2, 1.05],
  [8.5, 0, 9],
  [0.0049, 2, 0],
  [0.1 + 0.2, 4, 0.3],
  [1e15, 2, 1e15],
])('%d at %d decimals is %d', (quantity, decimals, expected) => {
  expect(roundHalfUp(quantity, decimals)).toBe(expected);
});

test('rounded once is rounded: again, and added up, nothing moves', () => {
  const quantity = fc.double({ min: 0, max: 1e8, noNaN: true });
  fc.assert(
    fc.property(quantity, quantity, fc.integer({ min: 0, max: 4 }), (a, b, decimals) => {
      const [x, y] = [roundHalfUp(a, decimals), roundHalfUp(b, decimals)];
      expect(roundHalfUp(x, decimals)).toBe(x);
      expect(sameQuantity(x, a, decimals)).toBe(true);
      expect(roundHalfUp(x + y, decimals)).toBe(tidy(x + y));
      // Half of the last decimal, and what tidying to four moves before.
      expect(Math.abs(x - a)).toBeLessThanOrEqual(0.5 * 10 ** -decimals + 0.000_051);
    }),
  );
});

test('quantities are the same at the decimals that a PSA keeps', () => {
  expect(sameQuantity(31.3457, 31.35, 2)).toBe(true);
  expect(sameQuantity(31.3457, 31.35, 4)).toBe(false);
  expect(sameQuantity(31.344, 31.35, 2)).toBe(false);
});

test('what is billed is never below 0 and never more than the gross quantity', () => {
  fc.assert(
    fc.property(fc.nat(10_000), fc.nat(10_000), (quantity, included) => {
      const billed = billedQuantity(quantity, included);
      expect(billed).toBe(quantity > included ? quantity - included : 0);
    }),
  );
});

test('money is kept to a hundredth of a cent', () => {
  expect(money(3 * 0.1)).toBe(0.3);
  expect(money(1.000_049)).toBe(1);
});
