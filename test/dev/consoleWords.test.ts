/** What the console says of rows, where it needs no page to say it. */
import { expect, test } from 'vitest';
import { numbered } from '../../console/src/numbered.ts';

test('those of one name are numbered in their order, and a name of one’s own stays as it is', () => {
  const connections = [
    { id: 'a', name: 'ConnectWise' },
    { id: 'b', name: 'ConnectWise of the branch' },
    { id: 'c', name: 'ConnectWise' },
  ];
  const called = numbered(connections, ({ name }) => name);
  expect(['a', 'b', 'c', 'gone'].map(called)).toEqual([
    'ConnectWise (1)',
    'ConnectWise of the branch',
    'ConnectWise (2)',
    undefined,
  ]);
});
