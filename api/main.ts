/** The API process. It needs only PostgreSQL, and accepts facts while Temporal is down. */
import { serve } from '@hono/node-server';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { openDatabase } from '../db/client.ts';
import { createEncryption } from '../db/encryption.ts';
import { createLogger, dieQuietly } from '../logger.ts';
import { readEnvironment } from '../environment.ts';
import { createTemporalClient, temporalState } from '../temporal/client.ts';
import { temporalOptions } from '../temporal/profile.ts';
import { tlsTrouble } from '../temporal/tlsTrouble.ts';
import { keepSweep } from '../temporal/schedules.ts';
import { createWaker } from '../temporal/wake.ts';
import { createApp } from './app.ts';

const environment = readEnvironment(process.env);
const logger = createLogger('api', environment.LOG_LEVEL);
dieQuietly((err) => logger.fatal({ err }, 'an error that nobody caught'));
const { db, close } = openDatabase(environment.DATABASE_URL, environment.DATABASE_POOL);
const temporal = temporalOptions(environment);
const { client, close: closeClient } = createTemporalClient(temporal, environment.TEMPORAL_NAMESPACE);
// The API goes on without Temporal; that its certificates are the reason nobody would see otherwise.
void tlsTrouble(temporal).then((why) => why === undefined || logger.error({ why }, 'Temporal cannot be reached'));
const leaveSweep = keepSweep(client, (err) => logger.warn({ err }, 'the Schedule of the sweep could not be ensured'));
const metrics = new Registry();
collectDefaultMetrics({ register: metrics });

const stopping = new AbortController();
const app = createApp({
  db,
  encryption: createEncryption(environment.ENCRYPTION_KEYS),
  environment,
  logger,
  wake: createWaker(client),
  temporalState: () => temporalState(client, environment.WORKER_SILENT_MS),
  metrics,
  stopping: stopping.signal,
});

const server = serve(
  {
    fetch: app.fetch,
    hostname: environment.API_HOST,
    port: environment.API_PORT,
    // Longer than load balancers and clients keep an idle connection (60 s is usual): the side that sends the next request
    // closes it, so that no request meets a connection that is just being closed. Node's own 5 s are shorter than that.
    serverOptions: { keepAliveTimeout: 75_000 },
  },
  (address) => {
    logger.info({ url: `http://${environment.API_HOST}:${address.port}` }, 'ready');
  },
);
server.on('error', (error) => {
  logger.fatal({ err: error }, 'the address of API_HOST and API_PORT cannot be had: choose another');
  process.exit(1);
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    logger.info({ signal }, 'stopping');
    stopping.abort();
    leaveSweep();
    // Requests under way are answered, and streams told to go elsewhere; what is still open after five seconds is cut.
    setTimeout(() => 'closeAllConnections' in server && server.closeAllConnections(), 5_000).unref();
    server.close(() => {
      void Promise.all([closeClient(), close()]).then(() => process.exit(0));
    });
  });
}
