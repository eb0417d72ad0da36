import { startSimulator, type RunningSimulator, type SimulatorOptions } from '../kit/simulator.ts';
import { createConnectwise } from './simulation.ts';

/** The simulated ConnectWise in this process: tests. */
export function startConnectwise(options: SimulatorOptions = {}): Promise<RunningSimulator> {
  return startSimulator('connectwise', createConnectwise, options);
}
