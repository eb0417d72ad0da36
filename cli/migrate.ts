/**
 * `npm run migrate`: brings the database's schema and Temporal's search attributes up to date. It is safe to run twice,
 * and from two places at once.
 */
import { migrateDatabase } from '../db/migrate.ts';
import { readEnvironment } from '../environment.ts';
import { dieQuietly } from '../logger.ts';
import { prepareTemporal } from '../temporal/prepare.ts';
import { temporalOptions } from '../temporal/profile.ts';

dieQuietly();
const environment = readEnvironment(process.env);
await migrateDatabase(environment.DIRECT_DATABASE_URL ?? environment.DATABASE_URL);
await prepareTemporal(temporalOptions(environment), environment.TEMPORAL_NAMESPACE);
process.stdout.write('The database and the Temporal search attributes are up to date.\n');
