import { Context } from '@temporalio/activity';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startHarness, type ProcessHarness } from '../kit/processHarness.ts';
import { until } from '../../dev/until.ts';

let harness: ProcessHarness;

beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness?.close());

test.for(['write', 'close'] as const)(
  'a worker that is told to stop in the middle of %s leaves it to the next one',
  async (step) => {
    const ref = { kind: 'approveUsage' as const, id: await harness.batch() };
    let tries = 0;
    harness.works(
      step,
      async () => {
        tries++;
        if (tries === 1) await Context.current().cancelled;
      },
      ref.id,
    );
    await harness.wake(ref);
    await until('the step to be at work', () => tries === 1);
    await harness.stopWorkers();
    await harness.startWorkers();
    await harness.untilClosed(ref);
    expect(await harness.effects(ref)).toEqual({ write: 1, settle: 1, close: 1 });
    expect(tries).toBe(2);
  },
);
