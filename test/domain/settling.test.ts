import { expect, test } from 'vitest';
import { settledBy } from '../../domain/settling.ts';

const line = { from: 65, to: 62, claims: 1 };
const of = { writes: 'absolute', decimals: 2, isWritingOn: true, isOverdue: false } as const;

test.each([
  ['the target', 62, 'applied', 'applied'],
  ['the target, as the PSA rounds', 62.001, 'applied', 'applied'],
  ['the old value', 65, 'write_again', 'read_again'],
  ['a third value', 63, 'conflict', 'read_again'],
  ['no line', null, 'conflict', 'read_again'],
] as const)('%s: absolute %s', (_what, current, absolute, difference) => {
  expect(settledBy(line, current, of)).toBe(absolute);
  expect(settledBy(line, current, { ...of, writes: 'difference' })).toBe(difference);
  const overdue = settledBy(line, current, { ...of, writes: 'difference', isOverdue: true });
  expect(overdue).toBe(difference === 'applied' ? 'applied' : 'ask');
});

test('an absolute write is sent a second time, no third time, and not while writing is off', () => {
  expect(settledBy({ ...line, claims: 2 }, 65, of)).toBe('not_taken');
  expect(settledBy(line, 65, { ...of, isWritingOn: false })).toBe('todo');
  expect(settledBy(line, 65, { ...of, writes: 'difference', isWritingOn: false })).toBe('read_again');
});
