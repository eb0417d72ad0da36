import { runSimulator } from '../kit/simulator.ts';
import { createConnectwise } from './simulation.ts';

await runSimulator('connectwise', createConnectwise);
