/**
 * `npm run deploy -- promote BUILD`: makes a build of the workers current (worker versioning, docs/deployment.md). It has the
 * environment of a worker.
 *
 *   promote [BUILD] [--wait SECONDS]   BUILD if absent: WORKER_BUILD_ID. Waits up to 60 seconds for its workers
 */
import { Connection } from '@temporalio/client';
import { readEnvironment } from '../environment.ts';
import { dieQuietly } from '../logger.ts';
import { promote } from '../temporal/deployment.ts';
import { temporalOptions } from '../temporal/profile.ts';

dieQuietly();
const [command, ...rest] = process.argv.slice(2);
const at = rest.indexOf('--wait');
const [, wait = '60'] = at < 0 ? [] : rest.splice(at, 2);
const environment = readEnvironment(process.env);
const buildId = rest[0] ?? environment.WORKER_BUILD_ID;
const seconds = Number(wait);

if (command !== 'promote' || buildId === undefined || !(seconds >= 0)) {
  process.stderr.write('Usage: deploy promote BUILD [--wait SECONDS]\n');
  process.exit(2);
}
const connection = await Connection.connect(temporalOptions(environment));
try {
  const of = { buildId, limitMs: seconds * 1000 };
  const before = await promote(connection, environment.TEMPORAL_NAMESPACE, of);
  const words = before === buildId ? ' already' : before === undefined ? '' : ` instead of ${before}`;
  process.stdout.write(`The build ${buildId} is current${words}.\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  await connection.close();
}
