import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { workflowIdOf } from '../../domain/process/ids.ts';
import { simulatedPsas } from '../../simulators/psas.ts';
import { createWaker } from '../../temporal/wake.ts';
import { outcomeOf, type Outcome } from '../kit/outcome.ts';
import { startOwnStack, type OwnStack } from '../kit/ownStack.ts';
import { startSystem, type System } from '../kit/system.ts';
import { until } from '../../dev/until.ts';
import { walkDisturbed, type Disturbance } from './disturbedGuide.ts';

/** About 25 kills, each with the start of a worker and a heartbeat's silence: minutes where the processor is shared. */
vi.setConfig({ testTimeout: 480_000 });

let stack: OwnStack;

const none: Disturbance = { during: () => Promise.resolve(), after: () => Promise.resolve() };

beforeAll(async () => {
  stack = await startOwnStack();
}, 240_000);
afterAll(() => stack?.close());

async function outcomeOfGuide(psa: string, disturbanceOf: (system: System) => Disturbance): Promise<Outcome> {
  const system = await startSystem({
    psa,
    customers: 26,
    database: await stack.createDatabase(),
    temporalAddress: stack.temporalAddress,
  });
  try {
    await walkDisturbed(system, disturbanceOf(system));
    return await outcomeOf(system);
  } finally {
    await system.close();
  }
}

describe.each(Object.keys(simulatedPsas))('with %s', (psa) => {
  /** What a run leaves behind in which the same calls hang and nothing else goes wrong. */
  let undisturbed: Outcome;

  beforeAll(async () => {
    undisturbed = await outcomeOfGuide(psa, () => none);
    expect(undisturbed.cards.length).toBeGreaterThan(20);
    expect(undisturbed.writes).toHaveLength(3);
    expect(undisturbed.leftovers).toEqual([]);
  }, 240_000);

  test('a worker killed in every step of connect, refresh, sync and approval: the same end as undisturbed', async () => {
    const killed: string[] = [];
    const outcome = await outcomeOfGuide(psa, (system) => ({
      async during(kind, _id, step) {
        killed.push(`${kind} ${step}`);
        await system.killWorker();
      },
      after: () => system.startWorker(),
    }));
    expect(killed.length).toBeGreaterThan(18);
    expect(outcome).toEqual(undisturbed);
  });

  test('each workflow terminated at each step and started again: the same end as undisturbed', async () => {
    let terminated = 0;
    const outcome = await outcomeOfGuide(psa, (system) => {
      const wake = createWaker(system.temporal);
      return {
        async during(kind, id, step) {
          // A person's step may be reached before the wake that follows the last fact has started the workflow again.
          await until('the workflow to be open, and terminated', async () => {
            await system.temporal.workflow.getHandle(workflowIdOf(kind, id)).terminate(`a test, at ${step}`);
            return true;
          });
          terminated++;
          // Every other time somebody wakes it at once, so that two attempts of the step meet; else the sweep finds it,
          // or the next fact.
          const integrationId = kind === 'connect' || kind === 'sync' ? id : null;
          if (terminated % 2 === 0) await wake({ kind, id, organizationId: system.organizationId, integrationId });
        },
        after: () => Promise.resolve(),
      };
    });
    expect(terminated).toBeGreaterThan(18);
    expect(outcome).toEqual(undisturbed);
  });

  test('two workers, one of them killed in the long steps: the same end as undisturbed', async () => {
    const steps = new Set(['pullPsa', 'pullVendor', 'apply', 'write', 'settle']);
    const names = ['worker', 'worker-0'];
    const outcome = await outcomeOfGuide(psa, (system) => {
      const second = system.startWorker({}, 'worker-0');
      let dead: string | undefined;
      return {
        async during(_kind, _id, step) {
          await second;
          if (!steps.has(step)) return;
          // Either of them may have the step; the other goes on with what was lost.
          [dead] = names;
          names.reverse();
          await system.killWorker('SIGKILL', dead);
        },
        async after() {
          if (dead) await system.startWorker({}, dead);
          dead = undefined;
        },
      };
    });
    expect(outcome).toEqual(undisturbed);
  });
});
