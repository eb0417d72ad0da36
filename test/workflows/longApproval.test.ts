import { afterAll, beforeAll, expect, test } from 'vitest';
import { readProcessView } from '../../activities/step.ts';
import { startHarness, type ProcessHarness } from '../kit/processHarness.ts';

/**
 * Pieces of 25 lines, at six events each: more than one run's history of 1,500 events. 160,000 lines are 6,400 pieces, which no
 * history holds.
 */
const pieces = 300;

let harness: ProcessHarness;
let left = pieces;

beforeAll(async () => {
  harness = await startHarness({
    wrap: (real, harness) => ({
      writeLines: async (ref) => (left-- > 0 ? readProcessView(harness().deps, ref) : real.writeLines(ref)),
    }),
  });
});
afterAll(() => harness?.close());

test('a batch of thousands of lines leaves its history behind while it is written, without a pause', async () => {
  const ref = { kind: 'approveUsage' as const, id: await harness.batch() };
  await harness.wake(ref);
  await harness.untilStep(ref, 'close', 'done');
  await harness.untilClosed(ref);
  const runs = await harness.runs(ref);
  expect(left).toBeLessThan(0);
  expect(runs.length).toBeGreaterThan(1);
  for (const { events } of runs) expect(events.length).toBeLessThan(1_600);
  expect(await harness.effects(ref)).toEqual({ write: 1, settle: 1, close: 1 });
});
