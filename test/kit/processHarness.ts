/**
 * Runs the step machinery alone, in this process: the workflows, row activities, interceptor, database and Temporal server
 * are real; only what a step does to the outside world is scripted by the test. Committed effects are counted in rows.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { sql } from 'drizzle-orm';
import { pino } from 'pino';
import { inject } from 'vitest';
import { createActivities } from '../../activities/index.ts';
import type { Dependencies } from '../../activities/dependencies.ts';
import { performStep, wakeAll, type StepRef, type StepResult } from '../../activities/step.ts';
import { openDatabase, type Database, type Transaction } from '../../db/client.ts';
import { createEncryption } from '../../db/encryption.ts';
import { recordDelivered } from '../../db/queries/alertDelivery.ts';
import { keepAlert, moveAlert } from '../../db/queries/alerts.ts';
import { insertIntegration, readIntegration, storeVendorAccounts } from '../../db/queries/integration.ts';
import { requestMigration } from '../../commands/migration.ts';
import { beginOnboardings } from '../../commands/onboarding.ts';
import { moveOnboardings } from '../../db/queries/onboarding.ts';
import { reminderTimesOf } from '../../domain/reminders.ts';
import { startFound } from '../../commands/startOnboardings.ts';
import { insertOrganization } from '../../db/queries/organization.ts';
import {
  commitFact,
  completeByFact,
  createProcess,
  finishStep,
  ownerOf,
  startRound,
  type ProcessRef,
} from '../../db/queries/process.ts';
import { listSteps } from '../../db/queries/processView.ts';
import { satisfyNeeds } from '../../db/queries/processNeed.ts';
import { closeRefresh, insertPsaConnection, requestRefresh } from '../../db/queries/psaConnection.ts';
import { insertSyncRequest, readSyncRun, updateRun } from '../../db/queries/sync.ts';
import {
  bulkTaskQueue,
  onboardingId,
  onboardingOf,
  workflowIdOf,
  workflowTaskQueue,
  type Wakeable,
} from '../../domain/process/ids.ts';
import type { StepName } from '../../domain/process/steps.ts';
import { onboardingMoves } from '../../domain/transitions.ts';
import { readEnvironment } from '../../environment.ts';
import { listPausedActivities, listSchedules } from '../../temporal/paused.ts';
import { createWaker } from '../../temporal/wake.ts';
import { ActivityInterceptor } from '../../worker/interceptors.ts';
import { createTestDatabase } from './database.ts';
import { quietTemporal } from './quietTemporal.ts';
import { createNamespace } from './system.ts';
import { until } from '../../dev/until.ts';

/** All waits are short; a test that needs longer ones overrides them. */
const timing = {
  SWEEP_OVERDUE_MS: '500',
  BLOCKED_GAP_MS: '50',
  UNREACHABLE_RETRY_MS: '500',
  TRANSIENT_LIMIT_MS: '1000',
  FIRST_RETRY_MS: '20',
  MAX_RETRY_MS: '200',
  HEARTBEAT_MS: '1000',
  STICKY_TIMEOUT_MS: '1000',
  SHUTDOWN_GRACE_MS: '500',
};

/** What a step does before it commits; it may throw as a connector would. */
export type Work = (ref: StepRef) => Promise<void>;
type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;
type HistoryEvent = NonNullable<History['events']>[number];
type Activities = ReturnType<typeof createActivities>;

export interface StepRow {
  step: string;
  state: string;
  problem: { code: string } | null;
  retryAt: Date | null;
}

export interface ProcessRow {
  version: number;
  dueAt: Date | null;
  sweeps: number;
}

/** One attempt of a step activity, and when it began. */
export interface Attempt extends StepRef {
  at: number;
}

export interface RunView {
  runId: string;
  status: string;
  events: HistoryEvent[];
}

export interface ProcessHarness {
  db: Database;
  client: Client;
  deps: Dependencies;
  organizationId: string;
  attempts: Attempt[];
  /** Sets what a step does; with an id, for that process only. */
  works(step: StepName, work: Work, id?: string): void;
  /** Sets what happens between a step's commit and its answer to Temporal. */
  afterCommit(step: StepName, work: Work, id?: string): void;
  /** Creates a PSA connection with its `refreshPsa` process. */
  connection(): Promise<string>;
  /** Creates an integration with its `connect` and `sync` processes. */
  integration(psaConnectionId: string, intake?: 'push' | 'pull'): Promise<string>;
  /** Creates the `approveUsage` process of a batch. */
  batch(): Promise<string>;
  /** Creates an integration with a requested `migrateToAlerts` process. */
  migration(psaConnectionId: string): Promise<string>;
  /** Creates an alert that has a delivery slot, with its `deliverAlert` process. */
  alert(psaConnectionId: string): Promise<string>;
  /** Creates an integration with new customers whose onboardings are found but not started. */
  foundCustomers(psaConnectionId: string, count: number): Promise<string>;
  /** Creates a new customer that waits for a person, with its `onboardCustomer` process. */
  customer(psaConnectionId: string): Promise<string>;
  wake(ref: ProcessRef): Promise<void>;
  /** Commits a fact without effect, or the completion of a step; the caller has to wake the process. */
  fact(ref: ProcessRef, step?: StepName): Promise<void>;
  askRefresh(psaConnectionId: string): Promise<void>;
  askSync(integrationId: string): Promise<void>;
  row(ref: ProcessRef): Promise<ProcessRow>;
  /** Whether a process is parked without a timer: it is finished, or it waits for a person. */
  isParked(ref: ProcessRef): Promise<boolean>;
  steps(ref: ProcessRef): Promise<StepRow[]>;
  untilStep(ref: ProcessRef, step: StepName, state: string): Promise<StepRow>;
  untilClosed(ref: ProcessRef): Promise<void>;
  isOpen(ref: ProcessRef): Promise<boolean>;
  terminate(ref: ProcessRef): Promise<void>;
  /** How many effects of a process are committed so far, by step. */
  effects(ref: ProcessRef): Promise<Record<string, number>>;
  attemptsOf(step: StepName, id: string): number;
  /** Every workflow run of a process so far, newest first. */
  runs(ref: ProcessRef): Promise<RunView[]>;
  /** What the Temporal UI shows under "current details". */
  details(ref: ProcessRef): Promise<string>;
  /** Sweeps once, by a workflow of its own, which is ended then. @returns how many processes it woke */
  sweep(): Promise<number>;
  startWorkers(): Promise<void>;
  stopWorkers(): Promise<void>;
  close(): Promise<void>;
}

export interface HarnessOptions {
  env?: Record<string, string>;
  /** Replaces some of the activities that the worker runs. */
  wrap?: (activities: Activities, harness: () => ProcessHarness) => Partial<Activities>;
}

export async function startHarness(options: HarnessOptions = {}): Promise<ProcessHarness> {
  quietTemporal();
  const database = await createTestDatabase();
  const { db, close: closeDb } = openDatabase(database.url, 12);
  await db.execute(sql`create table step_effect (kind text, id text, round text, step text)`);
  const address = inject('temporalAddress');
  const namespace = `test-${randomUUID()}`;
  const connection = await Connection.connect({ address });
  await createNamespace(connection, namespace);
  const client = new Client({ connection, namespace });
  const environment = readEnvironment({
    DATABASE_URL: database.url,
    ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
    ...timing,
    ...options.env,
  });
  const outside = () => Promise.reject(new Error('The step machinery has no outside world.'));
  const deps: Dependencies = {
    db,
    encryption: createEncryption(environment.ENCRYPTION_KEYS),
    environment,
    logger: pino({ level: 'silent' }),
    wake: createWaker(client),
    connectors: { vendorOf: outside, psaOf: outside },
    ensureSchedules: async () => undefined,
    readTemporal: async () => ({
      schedules: await listSchedules(client),
      pausedActivities: await listPausedActivities(client),
    }),
  };
  const organizationId = await insertOrganization(db, 'Test MSP');
  const works = new Map<string, Work>();
  const afters = new Map<string, Work>();
  const attempts: Attempt[] = [];
  const scripted = (map: Map<string, Work>, ref: StepRef) => map.get(`${ref.step}/${ref.id}`) ?? map.get(ref.step);

  /** A step activity that does what the test scripted, and whose effect is counted. */
  const step =
    (more?: (tx: Transaction, ref: StepRef) => Promise<Wakeable[]>) =>
    async (ref: StepRef): Promise<StepResult> => {
      const result = await performStep(deps, ref, async () => {
        attempts.push({ ...ref, at: Date.now() });
        await scripted(works, ref)?.(ref);
        return async (tx) => {
          await tx.execute(sql`insert into step_effect values (${ref.kind}, ${ref.id}, ${ref.round}, ${ref.step})`);
          return more?.(tx, ref);
        };
      });
      await scripted(afters, ref)?.(ref);
      return result;
    };

  const activities: Activities = {
    ...createActivities(deps),
    verifyCredentials: step(),
    mapExactMatches: step(),
    checkPsaPermissions: step(),
    pullPsa: step(),
    applyPsa: step(async (tx, ref) => satisfyNeeds(tx, ref, await closeRefresh(tx, ref.round, {}))),
    pullVendor: step(),
    checkComplete: step(),
    guardRun: step(),
    applyRun: step(),
    deriveAlerts: step(),
    closeRun: step(async (tx, ref) => {
      await updateRun(tx, ref.round, { state: 'applied', finished: true });
      return satisfyNeeds(tx, ref, (await readSyncRun(tx, ref.round)).startedAt);
    }),
    writeLines: step(),
    settleLines: step(),
    closeApproval: step(),
    checkAlertPermissions: step(),
    resolveAccount: step(),
    writeTicket: step(),
    settleTicket: step(),
    pullCustomer: step(),
    showCustomer: step(async (tx, ref) => {
      const { integrationId, vendorAccountId: id } = onboardingOf(ref.id);
      await moveOnboardings(tx, integrationId, { ids: [id], move: onboardingMoves.complete });
      return [];
    }),
    recordDelivery: step(async (tx, ref) => {
      await recordDelivered(tx, ref.id);
      return [];
    }),
  };

  let running: { workers: Worker[]; runs: Promise<void>[]; native: NativeConnection } | undefined;
  const handleOf = (ref: ProcessRef) => client.workflow.getHandle(workflowIdOf(ref.kind, ref.id));

  const harness: ProcessHarness = {
    db,
    client,
    deps,
    organizationId,
    attempts,
    works: (name, work, id) => void works.set(id ? `${name}/${id}` : name, work),
    afterCommit: (name, work, id) => void afters.set(id ? `${name}/${id}` : name, work),
    async connection() {
      const id = randomUUID();
      const row = { id, kind: 'connectwise', name: 'Test PSA', settings: {}, credentials: 'none' };
      await db.transaction((tx) => insertPsaConnection(tx, organizationId, row));
      return id;
    },
    async integration(psaConnectionId, intake = 'pull') {
      const { id } = await db.transaction((tx) =>
        insertIntegration(tx, organizationId, {
          psaConnectionId,
          vendor: 'mailprotector',
          intake,
          modules: ['billing'],
          settings: {},
          services: [],
        }),
      );
      return id;
    },
    async batch() {
      const ref = { kind: 'approveUsage' as const, id: randomUUID() };
      await db.transaction(async (tx) => {
        await createProcess(tx, organizationId, ref);
        await startRound(tx, { ...ref, round: '1' });
      });
      return ref.id;
    },
    async migration(psaConnectionId) {
      const id = await harness.integration(psaConnectionId);
      await db.transaction(async (tx) => {
        await finishStep(tx, { kind: 'connect', id, round: '1', step: 'finish' });
        await requestMigration(tx, { organizationId, name: 'test' }, { integration: { id, organizationId } });
      });
      return id;
    },
    async alert(psaConnectionId) {
      const integrationId = await harness.integration(psaConnectionId);
      const words = { title: 'An alert', description: 'Of a test.', priority: 1, status: 1 };
      const posted = { alertId: 'one', source: 'vendor', vendorAccountId: '1', ...words } as const;
      return db.transaction(async (tx) => {
        const { id } = await keepAlert(tx, { id: integrationId, organizationId }, posted);
        await moveAlert(tx, id, { from: ['parked'], to: 'delivering' }, { reason: null });
        await createProcess(tx, organizationId, { kind: 'deliverAlert', id, integrationId });
        return id;
      });
    },
    async foundCustomers(psaConnectionId, count) {
      const id = await harness.integration(psaConnectionId);
      const accounts = Array.from({ length: count }, (_, at) => ({ id: String(at + 1), name: `Customer ${at + 1}` }));
      await db.transaction(async (tx) => {
        const { added } = await storeVendorAccounts(tx, id, accounts);
        await finishStep(tx, { kind: 'connect', id, round: '1', step: 'mapAccounts' });
        await beginOnboardings(tx, { id, organizationId }, added, { by: 'sync' });
      });
      return id;
    },
    async customer(psaConnectionId) {
      const integrationId = await harness.foundCustomers(psaConnectionId, 1);
      await db.transaction(async (tx) => {
        const row = await readIntegration(tx, integrationId);
        await startFound(tx, row, { max: 1, times: reminderTimesOf(row, environment) });
      });
      return onboardingId({ integrationId, vendorAccountId: '1' });
    },
    wake: (ref) => wakeProcess(deps, ref),
    async fact(ref, name) {
      await db.transaction(async (tx) => {
        if (!name) return commitFact(tx, ref);
        await completeByFact(tx, { ...ref, round: '1', step: name });
      });
    },
    async askRefresh(id) {
      await db.transaction(async (tx) => {
        await requestRefresh(tx, id);
        await commitFact(tx, { kind: 'refreshPsa', id });
      });
    },
    async askSync(id) {
      await db.transaction(async (tx) => {
        await insertSyncRequest(tx, id, { requestedBy: 'test' });
        await commitFact(tx, { kind: 'sync', id });
      });
    },
    async row(ref) {
      const {
        rows: [found],
      } = await db.execute<{ version: number; due_at: string | null; sweeps: number }>(
        sql`select version::int, due_at, sweeps from process where kind = ${ref.kind} and id = ${ref.id}`,
      );
      if (!found) throw new Error(`There is no process ${ref.kind} ${ref.id}.`);
      const { version, due_at: dueAt, sweeps } = found;
      return { version, sweeps, dueAt: dueAt === null ? null : new Date(dueAt) };
    },
    steps: (ref) => listSteps(db, ref),
    untilStep: (ref, name, state) =>
      until(`${ref.kind} ${name} to be ${state}`, async () => {
        const found = (await listSteps(db, ref)).find((row) => row.step === name);
        return found?.state === state ? found : undefined;
      }),
    async untilClosed(ref) {
      await until(`${ref.kind} to close`, async () => !(await harness.isOpen(ref)));
    },
    async isOpen(ref) {
      try {
        return (await handleOf(ref).describe()).status.name === 'RUNNING';
      } catch {
        return false;
      }
    },
    async isParked(ref) {
      const { dueAt } = await harness.row(ref);
      return dueAt === null || dueAt.getTime() > Date.now() + 12 * 3_600_000;
    },
    async terminate(ref) {
      await handleOf(ref).terminate('a test');
    },
    async effects(ref) {
      const { rows } = await db.execute<{ step: string; n: number }>(
        sql`select step, count(*)::int as n from step_effect where kind = ${ref.kind} and id = ${ref.id} group by step`,
      );
      return Object.fromEntries(rows.map((row) => [row.step, row.n]));
    },
    attemptsOf: (name, id) => attempts.filter((attempt) => attempt.step === name && attempt.id === id).length,
    async runs(ref) {
      const workflowId = workflowIdOf(ref.kind, ref.id);
      const { runId: newest } = await handleOf(ref).describe();
      // The list of workflows lags behind the workflows themselves.
      const listed = await until(`${workflowId} to be listed`, async () => {
        const found = [];
        for await (const run of client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) found.push(run);
        return found.some((run) => run.runId === newest) ? found : undefined;
      });
      const runs: RunView[] = [];
      for (const { runId } of listed) {
        const run = client.workflow.getHandle(workflowId, runId);
        const { events } = await run.fetchHistory();
        runs.push({ runId, status: (await run.describe()).status.name, events: events ?? [] });
      }
      return runs;
    },
    async details(ref) {
      const metadata = await handleOf(ref).query<{ currentDetails?: string }>('__temporal_workflow_metadata');
      return metadata.currentDetails ?? '';
    },
    async sweep() {
      const last = async () => (await db.query.sweep.findFirst()) ?? { sweeper: '', sweptAt: null, woken: 0 };
      const { sweptAt: before } = await last();
      const handle = await client.workflow.start('sweep', {
        workflowId: `sweep-${randomUUID()}`,
        taskQueue: workflowTaskQueue,
      });
      const { woken } = await until('a sweep to come to its end', async () => {
        const row = await last();
        const isOver = row.sweeper === handle.firstExecutionRunId && row.sweptAt?.getTime() !== before?.getTime();
        return isOver ? row : undefined;
      });
      await handle.terminate('a test');
      return woken;
    },
    async startWorkers() {
      const native = await NativeConnection.connect({ address });
      const shared = {
        connection: native,
        namespace,
        activities: { ...activities, ...options.wrap?.(activities, () => harness) },
        interceptors: { activity: [() => ({ inbound: new ActivityInterceptor(deps) })] },
        maxConcurrentActivityTaskExecutions: environment.MAX_ACTIVITIES,
        // As in worker/worker.ts.
        isolateExecutionTimeout: '1 minute',
        maxHeartbeatThrottleInterval: environment.HEARTBEAT_MS / 2,
        defaultHeartbeatThrottleInterval: environment.HEARTBEAT_MS / 2,
        shutdownGraceTime: environment.SHUTDOWN_GRACE_MS,
        // Long enough for a worker that is slow beside two other test files on two cores (5 s were not), and still finds a hang.
        shutdownForceTime: 60_000,
      };
      const workers = [
        await Worker.create({
          ...shared,
          taskQueue: workflowTaskQueue,
          workflowBundle: { codePath: inject('workflowBundle') },
          stickyQueueScheduleToStartTimeout: environment.STICKY_TIMEOUT_MS,
        }),
        await Worker.create({ ...shared, taskQueue: bulkTaskQueue }),
      ];
      running = { workers, runs: workers.map((worker) => worker.run()), native };
    },
    async stopWorkers() {
      const stopping = running;
      running = undefined;
      if (!stopping) return;
      for (const worker of stopping.workers) worker.shutdown();
      await Promise.all(stopping.runs);
      await stopping.native.close();
    },
    async close() {
      await harness.stopWorkers();
      await connection.close();
      await closeDb();
      await database.close();
    },
  };
  await harness.startWorkers();
  return harness;
}

/** The steps of `connect` that a person does with intake `pull`, in order; every other step is automatic, skipped or a need. */
export const personSteps = ['credentials', 'linkCustomers', 'mapAccounts', 'mapServices', 'finish'] as const;

/** Wakes a process by its key. */
export async function wakeProcess(deps: Dependencies, ref: ProcessRef): Promise<void> {
  const owner = await ownerOf(deps.db, ref);
  if (owner) await wakeAll(deps, [owner]);
}

/** A gate: `pass` waits until `open` is called, and `reached` resolves when somebody has come to it. */
export function gate(): { reached: Promise<void>; open: () => void; pass: () => Promise<void> } {
  let reach: () => void = () => undefined;
  let open: () => void = () => undefined;
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return {
    reached,
    open,
    pass: async () => {
      reach();
      await opened;
    },
  };
}
