import { runSimulator } from '../../../../simulators/kit/simulator.ts';
import { createDifferences } from './simulation.ts';

await runSimulator('differences', createDifferences);
