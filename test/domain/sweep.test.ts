import { expect, test } from 'vitest';
import { waitOfSweep } from '../../domain/health.ts';
import { sweepLate } from '../../domain/sweep.ts';

test('a sweep is late when its Schedule had two chances to start it again, with the age and what to do', () => {
  expect(sweepLate(null, 60_000), 'a new installation').toBeUndefined();
  expect(sweepLate(600, 60_000)).toBeUndefined();
  expect(sweepLate(900, 60_000), 'two actions of the Schedule and five sweeps').toBeUndefined();
  expect(sweepLate(901, 60_000)).toMatch(/for 15 minutes.*Is a worker running\?/);
  expect(waitOfSweep(60, 60_000)).toBeUndefined();
  expect(waitOfSweep(3_600, 60_000)).toMatchObject({ for: 'countersign', code: 'sweep_late', workflowId: 'sweep' });
});
