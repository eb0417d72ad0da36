/** The worker process: drives processes until it receives a signal to stop. Any number of worker processes may run. */
import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import type { Logger } from 'pino';
import { openDatabase } from '../db/client.ts';
import { createEncryption } from '../db/encryption.ts';
import { readEnvironment } from '../environment.ts';
import { createLogger, dieQuietly } from '../logger.ts';
import { createTemporalClient } from '../temporal/client.ts';
import { temporalOptions, type TemporalOptions } from '../temporal/profile.ts';
import { listPausedActivities, listSchedules } from '../temporal/paused.ts';
import { ensureSyncSchedules, keepSweep } from '../temporal/schedules.ts';
import { missingSearchAttributes } from '../temporal/searchAttributes.ts';
import { tlsTrouble } from '../temporal/tlsTrouble.ts';
import { createWaker } from '../temporal/wake.ts';
import { createConnectors } from './connectors.ts';
import { chooseTemporalMetricsAddress, collectMetrics } from './metrics.ts';
import { createWorkers } from './worker.ts';
import { workflowCode } from './workflowBundle.ts';

const environment = readEnvironment(process.env);
const logger = createLogger('worker', environment.LOG_LEVEL);
dieQuietly((err) => logger.fatal({ err }, 'an error that nobody caught'));

await installRuntime(logger);
// Until the workers run there is nothing to finish, and the Runtime, which takes the signals otherwise, would wait for
// Temporal.
const leave = () => process.exit(0);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, leave);
let running = false;
const server = createServer((request, response) => {
  void answer(request.url ?? '/').then(({ status, type, body }) => {
    response.writeHead(status, { 'content-type': type }).end(body);
  });
});
server.listen(environment.METRICS_PORT, environment.METRICS_HOST, () => {
  logger.info({ address: server.address() }, 'metrics and readiness');
});
server.on('error', (error) => {
  logger.fatal({ err: error }, 'the address of METRICS_HOST and METRICS_PORT cannot be had: choose another');
  process.exit(1);
});

const { db, close } = openDatabase(environment.DATABASE_URL, environment.DATABASE_POOL);
const temporal = temporalOptions(environment);
const connection = await connect(temporal, logger);
const { client, close: closeClient } = createTemporalClient(temporal, environment.TEMPORAL_NAMESPACE);
await refuseUnregistered();

const encryption = createEncryption(environment.ENCRYPTION_KEYS);
const wake = createWaker(client, new Client({ connection, namespace: environment.TEMPORAL_NAMESPACE }));
const workers = await createWorkers(
  {
    db,
    encryption,
    environment,
    logger,
    wake,
    connectors: createConnectors(db, encryption, environment, logger),
    async ensureSchedules(wanted) {
      await ensureSyncSchedules(client, wanted, (scheduleId, error) =>
        logger.error({ err: error, scheduleId }, 'Temporal does not take this Schedule'),
      );
    },
    readTemporal: async () => ({
      schedules: await listSchedules(client),
      pausedActivities: await listPausedActivities(client),
    }),
  },
  connection,
  workflowCode(environment.WORKFLOW_BUNDLE),
);
const leaveSweep = keepSweep(client, (err) => logger.warn({ err }, 'the Schedule of the sweep could not be ensured'));
running = true;
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, leave);
logger.info('ready');
// The Runtime shuts the workers down on SIGINT and SIGTERM; activities get their grace time.
await Promise.all(workers.map((worker) => worker.run()));
running = false;
leaveSweep();
server.close();
await closeClient();
await connection.close();
await close();
logger.info('stopped');

async function answer(url: string): Promise<{ status: number; type: string; body: string }> {
  if (url === '/metrics') return { status: 200, type: 'text/plain; version=0.0.4', body: await collectMetrics() };
  if (url === '/readyz') {
    return {
      status: running ? 200 : 503,
      type: 'application/json',
      body: JSON.stringify({ ready: running, pid: process.pid }),
    };
  }
  if (url === '/healthz') return { status: 200, type: 'application/json', body: '{"ok":true}' };
  return { status: 404, type: 'application/json', body: '{}' };
}

/**
 * Connects to Temporal. The server may start later than this worker, and `connect` fails at once when the server is
 * down (measured), so the connection is retried.
 */
async function connect(options: TemporalOptions, log: Logger): Promise<NativeConnection> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await NativeConnection.connect(options);
    } catch (error) {
      const why = await tlsTrouble(options);
      log.warn(
        { err: error, attempt, address: options.address, ...(why === undefined ? {} : { why }) },
        'Temporal does not answer yet; trying again',
      );
      await delay(Math.min(10_000, 250 * 2 ** Math.min(attempt, 6)));
    }
  }
}

/** An unregistered search attribute would fail every workflow task, so nothing is started before `migrate` has run. */
async function refuseUnregistered(): Promise<void> {
  const missing = await missingSearchAttributes(client.connection, environment.TEMPORAL_NAMESPACE);
  if (missing.length === 0) return;
  logger.fatal({ missing: missing.map(({ name }) => name) }, 'search attributes are not registered: run migrate first');
  process.exit(1);
}

async function installRuntime(log: Logger): Promise<void> {
  const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;
  for (let attempt = 1; ; attempt++) {
    try {
      Runtime.install({
        // The SDK names the field `error`, pino expects `err`.
        logger: new DefaultLogger('INFO', ({ level, message, meta }) => {
          const { error, ...fields } = meta ?? {};
          // The activity has told why, with more than the SDK knows.
          const to = message === 'Activity failed' ? 'debug' : levels[level];
          log[to]({ ...fields, ...(error ? { err: error } : {}) }, message);
        }),
        telemetryOptions: {
          metrics: { prometheus: { bindAddress: await chooseTemporalMetricsAddress() } },
          logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } },
        },
      });
      return;
    } catch (error) {
      // Another process has taken the port since it was found to be free.
      if (attempt === 3) throw error;
    }
  }
}
