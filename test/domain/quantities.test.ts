import fc from 'fast-check';
import { expect, test } from 'vitest';
import { billedQuantity, money, roundQuantity, sameQuantity, tidy } from '../../domain/quantities.ts';

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
