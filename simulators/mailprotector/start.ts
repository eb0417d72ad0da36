import { startSimulator, type RunningSimulator, type SimulatorOptions } from '../kit/simulator.ts';
import { createMailprotector } from './simulation.ts';

/** The simulated Mailprotector in this process: tests. */
export function startMailprotector(options: SimulatorOptions = {}): Promise<RunningSimulator> {
  return startSimulator('mailprotector', createMailprotector, options);
}
