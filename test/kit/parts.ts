/** The parts that can be killed in a system that runs on a stack of its own. */
import type { OwnStack } from './ownStack.ts';
import type { System } from './system.ts';

export const parts = ['worker', 'api', 'postgres', 'temporal'] as const;
export type Part = (typeof parts)[number];

/** Kills a part as a crash would, and starts it again. */
export async function killAndStart(part: Part, system: System, stack: OwnStack): Promise<void> {
  switch (part) {
    case 'worker':
      await system.killWorker();
      return system.startWorker();
    case 'api':
      await system.killApi();
      return system.startApi();
    default:
      await stack.kill(part);
      return stack.start(part);
  }
}
