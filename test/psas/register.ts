/** Loaded into an api or a worker of the tests before it begins (`node --import`): adds the PSAs that only the tests have. */
import { addPsa } from '../../connectors/registry.ts';
import { testPsas } from './registry.ts';

for (const [kind, entry] of Object.entries(testPsas)) addPsa(kind, entry);
