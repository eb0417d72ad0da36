/**
 * `npm run doctor`: checks everything that a running installation needs, and says how to correct each problem. It has
 * the environment of api and worker, changes nothing (but that `--wake` starts terminated workflows again), and ends with 1 if
 * something is wrong.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Client, ConnectionLike } from '@temporalio/client';
import { sql } from 'drizzle-orm';
import { pino } from 'pino';
import { judgeHealth } from '../api/health.ts';
import { ConnectorError } from '../connectors/errors.ts';
import { openDatabase, type Database } from '../db/client.ts';
import { createEncryption } from '../db/encryption.ts';
import { readHealthFacts, type HealthFacts } from '../db/queries/health.ts';
import type { PsaModule } from '../connectors/psaEntry.ts';
import { neededRights, psaOf } from '../connectors/registry.ts';
import { readPsaConnection } from '../db/queries/psaConnection.ts';
import { readIntegration } from '../db/queries/integration.ts';
import { listUnfinished } from '../db/queries/processOverdue.ts';
import { sweepAge } from '../db/queries/sweep.ts';
import { judgePermissions } from '../domain/permissions.ts';
import { sweepLate } from '../domain/sweep.ts';
import { workflowIdOf } from '../domain/process/ids.ts';
import { problemOf } from '../domain/process/problems.ts';
import { messageOf } from '../logger.ts';
import { readEnvironment, type Environment } from '../environment.ts';
import { createTemporalClient } from '../temporal/client.ts';
import { findMissing } from '../temporal/missing.ts';
import { listPausedActivities, listSchedules } from '../temporal/paused.ts';
import { temporalOptions, type TemporalOptions } from '../temporal/profile.ts';
import { judgeBuilds } from '../temporal/deployment.ts';
import { sweepScheduleId } from '../temporal/schedules.ts';
import { missingSearchAttributes } from '../temporal/searchAttributes.ts';
import { fewest, listPollers, type Poller } from '../temporal/workers.ts';
import { tlsTrouble } from '../temporal/tlsTrouble.ts';
import { createWaker } from '../temporal/wake.ts';
import { createConnectors } from '../worker/connectors.ts';

type Verdict = 'ok' | 'note' | 'wrong';
const marks: Record<Verdict, string> = { ok: '✓', note: '!', wrong: '✗' };
let wrong = 0;

function say(verdict: Verdict, what: string, words: string, todo?: string): void {
  if (verdict === 'wrong') wrong++;
  process.stdout.write(`${marks[verdict]} ${what.padEnd(14)} ${words}\n${todo ? `${' '.repeat(17)}${todo}\n` : ''}`);
}

/**
 * Runs one check and prints its result; an error that the check throws is printed as wrong, with the error's message.
 */
async function look(what: string, todo: string, ask: () => Promise<string>): Promise<boolean> {
  try {
    say('ok', what, await ask());
    return true;
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? ` (${messageOf(error.cause)})` : '';
    const words =
      error instanceof ConnectorError ? error.detail : error instanceof Error ? messageOf(error) : String(error);
    const advice = error instanceof ConnectorError ? problemOf(error.code, '').todo : todo;
    say('wrong', what, `${words}${cause}`, advice);
    return false;
  }
}

const environment = configuration();
if (environment) await examine(environment);
process.stdout.write(
  wrong === 0 ? 'Nothing is wrong.\n' : `${wrong} ${wrong === 1 ? 'thing is' : 'things are'} wrong.\n`,
);
process.exit(wrong === 0 ? 0 : 1);

function configuration(): Environment | undefined {
  try {
    const read = readEnvironment(process.env);
    say('ok', 'configuration', 'every setting fits');
    return read;
  } catch (error) {
    say('wrong', 'configuration', error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

async function examine(env: Environment): Promise<void> {
  const { db, close } = openDatabase(env.DATABASE_URL, 2);
  try {
    const hasTemporal = await examineTemporal(env);
    const todo =
      'Check DATABASE_URL and that PostgreSQL runs; for a new database, or after an upgrade, run: npm run migrate';
    if (!(await look('database', todo, () => migrated(db)))) return;
    await look('last sweep', 'Nothing that lost its wake goes on until then.', () => sweptLately(env, db));
    if (hasTemporal) await lookForMissing(env, db);
    await examineConnections(env, db);
  } finally {
    await close();
  }
}

/** @throws Error when migrations are missing */
async function migrated(db: Database): Promise<string> {
  const file = fileURLToPath(new URL('../db/migrations/meta/_journal.json', import.meta.url));
  const { entries } = JSON.parse(readFileSync(file, 'utf8')) as { entries: { when: number; tag: string }[] };
  const { rows } = await db.$client.query<{ last: string | null }>(
    'select max(created_at) as last from drizzle.__drizzle_migrations',
  );
  const missing = entries.filter(({ when }) => when > Number(rows[0]?.last ?? 0));
  if (missing.length > 0) throw new Error(`These migrations are missing: ${missing.map(({ tag }) => tag).join(', ')}.`);
  return `answers, and has all ${entries.length} migrations`;
}

/** Looks for processes whose workflow somebody has terminated; with `--wake` it starts them again at once. */
async function lookForMissing(env: Environment, db: Database): Promise<void> {
  const todo = 'Nothing is lost. They come back within a day; npm run doctor -- --wake starts them at once.';
  const { client, close } = createTemporalClient(temporalOptions(env), env.TEMPORAL_NAMESPACE);
  try {
    await look('workflows', todo, async () => {
      const missing = await findMissing(client, await listUnfinished(db));
      if (missing.length === 0) return 'every process that has something to do has its workflow';
      const shown = missing.slice(0, 10).map(({ kind, id }) => workflowIdOf(kind, id));
      const names = `${shown.join(', ')}${missing.length > shown.length ? ' …' : ''}`;
      if (!process.argv.includes('--wake')) throw new Error(`${missing.length} are not there: ${names}.`);
      const wake = createWaker(client);
      for (const each of missing) await wake(each);
      return `${missing.length} were not there and are started again: ${names}`;
    });
  } finally {
    await close();
  }
}

/** Says what is paused, as Temporal has it now. A Schedule may have been paused there, or in Countersign. */
async function sayPaused(client: Client): Promise<void> {
  const [schedules, activities] = await client.connection.withDeadline(Date.now() + 15_000, () =>
    Promise.all([listSchedules(client), listPausedActivities(client)]),
  );
  const todo = 'Who paused it there unpauses it there: Schedules, or Pending Activities of the workflow.';
  for (const { scheduleId, paused } of schedules)
    if (paused) say('note', 'paused', `the Schedule ${scheduleId}: no sync begins by itself`, todo);
  for (const { kind, id, activity, pausedAt } of activities)
    say('wrong', 'paused', `the activity ${activity} of ${workflowIdOf(kind, id)} since ${pausedAt}`, todo);
}

/** @throws Error when the sweep is late */
async function sweptLately(env: Environment, db: Database): Promise<string> {
  const { rows } = await db.execute<{ age: number | null }>(sql`select ${sweepAge} as age`);
  const age = rows[0]?.age ?? null;
  const late = sweepLate(age, env.SWEEP_INTERVAL_MS);
  if (late !== undefined) throw new Error(late);
  return age === null ? 'none yet; the Schedule starts it' : `${age} s ago`;
}

/** @returns whether Temporal answers */
async function examineTemporal(env: Environment): Promise<boolean> {
  let options: TemporalOptions;
  try {
    options = temporalOptions(env);
  } catch (error) {
    say('wrong', 'Temporal', error instanceof Error ? messageOf(error) : String(error));
    return false;
  }
  const { client, close } = createTemporalClient(options, env.TEMPORAL_NAMESPACE);
  const { connection } = client;
  const namespace = env.TEMPORAL_NAMESPACE;
  const soon = <T>(ask: () => Promise<T>) => connection.withDeadline(Date.now() + 5_000, ask);
  try {
    const there = await look(
      'Temporal',
      (await tlsTrouble(options)) ?? 'Check TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE, and that the server runs.',
      async () => {
        await soon(() => connection.workflowService.describeNamespace({ namespace }));
        return `answers at ${env.TEMPORAL_ADDRESS}, and has the namespace ${namespace}`;
      },
    );
    if (!there) return false;
    await look('searches', 'Run: npm run migrate', async () => {
      const missing = await soon(() => missingSearchAttributes(connection, namespace));
      if (missing.length > 0)
        throw new Error(`These search attributes are not registered: ${missing.map(({ name }) => name).join(', ')}.`);
      return 'every search attribute is registered';
    });
    const pollers: Poller[] = [];
    await look('worker', 'Start a worker (npm run worker), and look at its log if it does not stay.', async () => {
      const queues = await soon(() => listPollers(connection, namespace, env.WORKER_SILENT_MS));
      pollers.push(...queues.flatMap((queue) => queue.pollers));
      const { workers, taskQueue } = fewest(queues);
      if (workers === 0) throw new Error(`No worker asks for work in the task queue ${taskQueue}.`);
      return `${workers} at work`;
    });
    await lookAtVersions(connection, namespace, pollers);
    await look(
      'sweep',
      'Unpause it in the Temporal UI (Schedules); a missing one is made again by api and worker within five minutes.',
      async () => {
        const { state } = await soon(() => client.schedule.getHandle(sweepScheduleId).describe());
        if (state.paused) throw new Error('The Schedule of the sweep is paused: a sweep that ends stays away.');
        return 'its Schedule is there';
      },
    );
    await sayPaused(client);
    return true;
  } finally {
    await close();
  }
}

/** Says which build is current, where workers say a build. */
async function lookAtVersions(
  connection: ConnectionLike,
  namespace: string,
  pollers: readonly Poller[],
): Promise<void> {
  const { current, builds, why } = await judgeBuilds(connection, namespace, pollers);
  if (builds.length === 0 && current === undefined) return;
  await look(
    'versions',
    `Run: npm run deploy -- promote ${builds.at(-1) ?? 'BUILD'} (docs/deployment.md).`,
    async () => {
      if (why !== undefined) throw new Error(why);
      return current === undefined ? `none is current; ${builds.join(', ')} waits` : `${current} is current`;
    },
  );
}

/** Examines every stored connection by calling it in the same way as the worker. */
async function examineConnections(env: Environment, db: Database): Promise<void> {
  const logger = pino({ level: 'silent' });
  const connectors = createConnectors(db, createEncryption(env.ENCRYPTION_KEYS), env, logger);
  const seen = new Set<string>();
  const all = await readHealthFacts(db, env.RETRYING_SHOWN_MS);
  if (all.length === 0) say('note', 'integrations', 'there are none yet');
  for (const facts of all) {
    const { psaConnectionId, modules, intake } = await readIntegration(db, facts.integrationId);
    say('ok', 'integration', `${facts.integrationId}: ${facts.vendor}, ${intake}, ${modules.join(' and ')}`);
    if (facts.vendorCredentialsAt)
      await look('  vendor', '', async () => {
        const { resellerName } = await (await connectors.vendorOf(facts.integrationId)).verifyCredentials();
        return `the credentials work, for "${resellerName}"`;
      });
    if (!seen.has(psaConnectionId)) {
      seen.add(psaConnectionId);
      await look('  PSA', 'See the evidence of each right at GET /v1/psa-connections/{id}.', async () => {
        const adapter = await connectors.psaOf(psaConnectionId);
        const report = await adapter.checkPermissions();
        const psa = psaOf((await readPsaConnection(db, psaConnectionId)).kind);
        const needed = (module: PsaModule) => (psa ? neededRights(psa, module) : []);
        refuseMissing(judgePermissions(report, needed('billing')));
        if (modules.includes('alerts'))
          refuseMissing(judgePermissions(await adapter.checkAlertPermissions(), needed('alerts')));
        return 'the credentials work, and no right that is needed is missing';
      });
    }
    await sayHealth(env, db, facts);
  }
}

/** @throws Error that names each missing right with its evidence, which contains the setting to change */
function refuseMissing(verdict: ReturnType<typeof judgePermissions>): void {
  if (verdict.ok) return;
  const rights = verdict.missing.map(({ capability, evidence }) => `${capability}: ${evidence}`);
  throw new Error(rights.length > 0 ? rights.join(' ') : `${verdict.code}: ${problemOf(verdict.code, '').todo}`);
}

async function sayHealth(env: Environment, db: Database, facts: HealthFacts): Promise<void> {
  const health = judgeHealth(env, facts);
  const age =
    health.dataAgeSeconds === null
      ? 'nothing was synced yet'
      : `data is ${Math.round(health.dataAgeSeconds / 60)} min old`;
  say(
    health.stale ? 'wrong' : 'ok',
    '  data',
    age,
    health.stale ? 'Older than its schedule allows: look at its sync in the Temporal UI.' : undefined,
  );
  for (const wait of health.waits)
    say(wait.code ? 'wrong' : 'note', '  waits', `${wait.what} (for the ${wait.for}; workflow ${wait.workflowId})`);
  for (const { count, code, list } of health.unlisted)
    say(
      'note',
      '  waits',
      `${count} more like these${code === null ? '' : ` (${code})`}${list === null ? '' : `: GET ${list}`}`,
    );
  for (const { warning } of health.credentials) if (warning) say('note', '  credentials', warning);
  if (health.linesUncertain > 0)
    say(
      'note',
      '  approvals',
      `of ${health.linesUncertain} approved lines it is not known whether they were written; they are read again, never written blindly`,
    );
  if (health.customersWaiting > 0) say('note', '  customers', `${health.customersWaiting} new ones wait to be mapped`);
  if (health.alertsDead > 0)
    say('note', '  alerts', `${health.alertsDead} could not be delivered: retry or dismiss them`);
  if (health.refusedPosts > 0)
    say(
      'note',
      '  posts',
      `of ${health.refusedPosts} accounts or services are refused: GET …/intake says which and why`,
    );
}
