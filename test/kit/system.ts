/** A whole system for one test file: simulators, api and worker processes, a database and a Temporal namespace of its own. */
import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { inject } from 'vitest';
import type { Database } from '../../db/client.ts';
import { insertOrganization, insertToken } from '../../db/queries/organization.ts';
import { freePort } from '../../dev/stack/ports.ts';
import { startSimulator, type RunningSimulator } from '../../simulators/kit/simulator.ts';
import { simulatedPsa, usualPsa } from '../../simulators/psas.ts';
import { startMailprotector } from '../../simulators/mailprotector/start.ts';
import { sweepScheduleId } from '../../temporal/schedules.ts';
import { registerSearchAttributes } from '../../temporal/searchAttributes.ts';
import '../psas/simulators.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { Programs } from './programs.ts';
import { createApiClient, type ApiClient } from '../../dev/walkthrough/apiClient.ts';
import {
  psaSimulator,
  simulatorAdmin,
  type PsaSimulator,
  type SimulatorAdmin,
} from '../../dev/walkthrough/simulatorAdmin.ts';
import { until } from '../../dev/until.ts';

/** All waits are short; a test that needs longer ones overrides them. */
const testTiming = {
  SWEEP_OVERDUE_MS: '500',
  BLOCKED_GAP_MS: '100',
  UNREACHABLE_RETRY_MS: '1000',
  TRANSIENT_LIMIT_MS: '3000',
  FIRST_RETRY_MS: '50',
  MAX_RETRY_MS: '300',
  HEARTBEAT_MS: '1000',
  STICKY_TIMEOUT_MS: '1000',
  CALL_TIMEOUT_MS: '1500',
  PSA_SEARCH_LAG_MS: '300',
  CALLS_PER_SECOND: '1000',
  SHUTDOWN_GRACE_MS: '1000',
  LOG_LEVEL: 'debug',
  // No sync may start that no test requests.
  DEFAULT_SCHEDULE: 'never',
};

export interface System {
  api: ApiClient;
  database: TestDatabase;
  organizationId: string;
  mailprotector: SimulatorAdmin;
  /** The simulated PSA, whichever it is. */
  psa: PsaSimulator;
  /** The same, for tests that are about ConnectWise. */
  connectwise: SimulatorAdmin;
  temporal: Client;
  namespace: string;
  /** Texts that must never appear in any log or history: the token, the encryption key, the database's password. */
  secrets: string[];
  /** Starts a worker; a second one needs another name. */
  startWorker(env?: Record<string, string>, name?: string): Promise<void>;
  killWorker(signal?: NodeJS.Signals, name?: string): Promise<void>;
  startApi(): Promise<void>;
  killApi(): Promise<void>;
  /** Runs one of our programs to its end, in the environment of api and worker plus `env`. `said` is its output. */
  run(file: string, env?: Record<string, string>, args?: string[]): Promise<{ code: number; said: string }>;
  /** Everything that the processes have logged. */
  logs(): string;
  close(): Promise<void>;
}

export interface SystemOptions {
  customers?: number;
  /** Which PSA is simulated (simulators/psas.ts); absent = the usual one. */
  psa?: string;
  env?: Record<string, string>;
  /** For a system on its own stack: its database and its Temporal. */
  database?: TestDatabase;
  temporalAddress?: string;
}

/** Databases of the systems that this process has started, by the address of their api. */
const databases = new Map<string, Database>();

/** @throws Error when no system has its api there */
export function databaseAt(apiUrl: string): Database {
  const db = databases.get(apiUrl);
  if (!db) throw new Error(`No system of this process has its api at ${apiUrl}.`);
  return db;
}

export async function startSystem(options: SystemOptions = {}): Promise<System> {
  const size = { seed: 7, customers: options.customers ?? 30 };
  const temporalAddress = options.temporalAddress ?? inject('temporalAddress');
  const database = options.database ?? (await createTestDatabase());
  const namespace = `test-${randomUUID()}`;
  const connection = await Connection.connect({ address: temporalAddress });
  await createNamespace(connection, namespace);
  const kind = options.psa ?? usualPsa;
  const { create, environment, register } = simulatedPsa(kind);
  const simulators = [await startMailprotector(size), await startSimulator(kind, create, size)] as [
    RunningSimulator,
    RunningSimulator,
  ];
  // What has seen its servers die is not handed on.
  const programs = new Programs(options.temporalAddress === undefined);
  const apiPort = await freePort(0);
  const env: Record<string, string> = {
    DATABASE_URL: database.url,
    DATABASE_POOL: '8',
    TEMPORAL_ADDRESS: temporalAddress,
    TEMPORAL_NAMESPACE: namespace,
    ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    WORKFLOW_BUNDLE: inject('workflowBundle'),
    MAILPROTECTOR_URL: simulators[0].url,
    ...environment,
    ALLOW_PRIVATE_HOSTS: 'true',
    API_PORT: String(apiPort),
    API_RATE_PER_SECOND: '10000',
    SWEEP_INTERVAL_MS: inject('sweepIntervalMs'),
    ...testTiming,
    ...options.env,
  };
  const encryptionKey = env['ENCRYPTION_KEYS']?.split(':')[1] ?? '';
  const secret = `cs_${randomBytes(32).toString('base64url')}`;
  const organizationId = await insertOrganization(database.db, 'Test MSP');
  await insertToken(database.db, organizationId, { name: 'test', secret, scopes: ['admin'] });
  const apiUrl = `http://127.0.0.1:${apiPort}`;
  databases.set(apiUrl, database.db);

  const built = inject('built');
  const before = register ? [join(built, register.replace(/\.ts$/, '.js'))] : [];
  const start = (name: string, file: string, port: number, more: Record<string, string> = {}) =>
    programs.start(name, { file: join(built, file), before }, { ...env, ...more }, () =>
      until(`${name} to be ready`, () =>
        fetch(`http://127.0.0.1:${port}/readyz`).then(
          (response) => response.ok,
          () => false,
        ),
      ),
    );

  const system: System = {
    api: createApiClient(apiUrl, secret),
    database,
    organizationId,
    mailprotector: simulatorAdmin(simulators[0].url),
    psa: psaSimulator(kind, simulators[1].url),
    connectwise: simulatorAdmin(simulators[1].url),
    temporal: new Client({ connection, namespace }),
    namespace,
    secrets: [secret, encryptionKey, new URL(database.url).password],
    async startWorker(more, name = 'worker') {
      // Each start takes a new port, because the port of a worker that was just killed may still be bound.
      const port = await freePort(0);
      await start(name, 'worker/main.js', port, { METRICS_PORT: String(port), ...more });
    },
    killWorker: (signal = 'SIGKILL', name = 'worker') => programs.kill(name, signal),
    startApi: () => start('api', 'api/main.js', apiPort),
    killApi: () => programs.kill('api'),
    run: (file, more, args = []) =>
      new Promise((resolve) => {
        const options = { cwd: built, env: { ...env, ...more } };
        execFile(process.execPath, [join(built, file), ...args], options, (error, stdout, stderr) => {
          resolve({ code: typeof error?.code === 'number' ? error.code : 0, said: stdout + stderr });
        });
      }),
    logs: () => programs.logs(),
    async close() {
      databases.delete(apiUrl);
      await programs.stopAll();
      // The Schedule would go on starting workflows without a worker beside the tests that follow.
      await system.temporal.schedule
        .getHandle(sweepScheduleId)
        .delete()
        .catch(() => undefined);
      await endSweeps(system.temporal).catch(() => undefined);
      await connection.close();
      for (const simulator of simulators) await simulator.close();
      await database.close();
    },
  };
  try {
    await Promise.all([system.startApi(), system.startWorker()]);
  } catch (error) {
    // Shows the logs now, because closing removes them.
    process.stderr.write(`The system did not start. It logged:\n${system.logs().slice(-4000)}\n`);
    await system.close();
    throw error;
  }
  return system;
}

/** Ends the sweep, whose timer would otherwise go on beside the tests that follow. */
async function endSweeps(client: Client): Promise<void> {
  for await (const { workflowId } of client.workflow.list({
    query: "WorkflowType = 'sweep' and ExecutionStatus = 'Running'",
  }))
    await client.workflow.getHandle(workflowId).terminate();
}

export async function createNamespace(connection: Connection, namespace: string): Promise<void> {
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
  });
  await until('the namespace to be there', async () => {
    await registerSearchAttributes(connection, namespace);
    return true;
  });
}
