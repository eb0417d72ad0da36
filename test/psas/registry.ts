/** The PSAs that only the tests have, by the `kind` of their connections. A further one is a folder here, and an entry here. */
import type { PsaEntry } from '../../connectors/psaEntry.ts';
import { differences } from './differences/connector/entry.ts';

export const testPsas: Readonly<Record<string, PsaEntry>> = { differences };
