import { runSimulator } from '../kit/simulator.ts';
import { createMailprotector } from './simulation.ts';

await runSimulator('mailprotector', createMailprotector);
