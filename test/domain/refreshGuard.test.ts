import { expect, test } from 'vitest';
import { defaultLossLimit, losesRows } from '../../domain/refreshGuard.ts';

const counts = (accounts: number, lines: number) => ({ accounts, lines });

test.each([
  ['nothing was there before', counts(0, 0), counts(40, 90), false],
  ['nothing is lost', counts(40, 90), counts(40, 90), false],
  ['a fifth of the accounts is gone', counts(40, 90), counts(32, 90), false],
  ['more than a fifth of the accounts is gone', counts(40, 90), counts(31, 90), true],
  ['more than a fifth of the lines is gone', counts(40, 90), counts(40, 71), true],
  ['two of four are gone, which people do', counts(4, 4), counts(2, 2), false],
  ['everything is gone', counts(4, 4), counts(0, 0), true],
])('%s', (_what, before, after, held) => {
  expect(losesRows({ before, after }, defaultLossLimit)).toBe(held);
});

test('how much may be lost is a setting of the connection', () => {
  const guard = { before: counts(40, 90), after: counts(35, 90) };
  expect(losesRows(guard, { ...defaultLossLimit, lostPercent: 10 })).toBe(true);
  expect(losesRows(guard, { lostPercent: 10, lostRows: 6 })).toBe(false);
});
