import { startSimulator, type RunningSimulator, type SimulatorOptions } from '../kit/simulator.ts';
import { createMailprotector } from './simulation.ts';

/** Starts the simulated Mailprotector in this process, for tests. */
export function startMailprotector(options: SimulatorOptions = {}): Promise<RunningSimulator> {
  return startSimulator('mailprotector', createMailprotector, options);
}
