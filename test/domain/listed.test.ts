import { expect, test } from 'vitest';
import { listed } from '../../domain/listed.ts';

test('what is left out of a sentence is said', () => {
  const ids = Array.from({ length: 5_000 }, (_, at) => `${at}`);
  expect(listed(ids)).toMatch(/^0, 1, .*, 19 and 4,980 more$/);
  expect(listed(['a', 'b', 'c'], 2)).toBe('a, b and 1 more');
  expect(listed(['a', 'b'], 2)).toBe('a, b');
  expect(listed([])).toBe('');
});
