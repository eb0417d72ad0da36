import { startSimulator, type RunningSimulator, type SimulatorOptions } from '../kit/simulator.ts';
import { createConnectwise } from './simulation.ts';

/** Starts the simulated ConnectWise within this process, for tests. */
export function startConnectwise(options: SimulatorOptions = {}): Promise<RunningSimulator> {
  return startSimulator('connectwise', createConnectwise, options);
}
