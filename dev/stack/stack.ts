/** The stack: PostgreSQL, Temporal, simulators, api and worker, each a process of its own. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { environmentVariables } from '../../environment.ts';
import { simulatedPsa, usualPsa } from '../../simulators/psas.ts';
import { freePort } from './ports.ts';
import { awaitPostgres, createDatabase, prepareCluster } from './postgres.ts';
import { Processes, type ProcessSpec } from './processes.ts';
import { findTemporal } from './temporalBinary.ts';
import { awaitTemporal, temporalSpec } from './temporalServer.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

export type Part = 'postgres' | 'temporal' | 'mailprotector' | 'api' | 'worker';

export interface Stack {
  api: string;
  databaseUrl: string;
  token: string;
  tokenFile: string;
  /** Makes a link that signs the stack's admin in, once, within half an hour. */
  signInLink(): Promise<string>;
  /** host:port */
  temporalAddress: string;
  temporalUi: string;
  simulators: Record<string, string>;
  /** The numbers from which the simulated world is made, and the PSA that is simulated (its name in simulators/psas.ts). */
  world: { seed: number; customers: number; psa: string };
  /** Kills a part as a crash would. */
  kill(part: Part): Promise<void>;
  /**
   * Stops a part unless it was killed, starts it again, with more environment if that is given, and waits until it is ready.
   */
  restart(part: Part, env?: Record<string, string>): Promise<void>;
  /** Notes a workflow's id; `workflowLinks` returns the addresses of the noted workflows in the Temporal UI. */
  noteWorkflow(id: string): void;
  workflowLinks(): string[];
  stop(): Promise<void>;
}

export interface StackOptions {
  state: string;
  demo: boolean;
  customers: number;
  seed: number;
  /** Which PSA is simulated; absent = the usual one. */
  psa?: string;
  reset: boolean;
  say: (line: string) => void;
  /** Called before the first part is started, with the function that stops every part that runs by then. */
  starting?: (stop: () => Promise<void>) => void;
  /** More environment for api and worker. */
  env?: Record<string, string>;
}

/** The vendor's half of the key that the simulated console pushes with. */
export const demoVendorKey = 'sim-vendor-key-of-mailprotector';
/** A vendor that nothing here was written for. */
export const anyVendor = { id: 'nordwolke', name: 'Nordwolke Backup', key: 'sim-vendor-key-of-nordwolke' };

/** The file of the state folder that has the settings of the stack while it runs: `dev/ours.js` gives them to our programs. */
const noteName = 'environment.json';

/** Settings with which another Temporal server would be reached: unset. */
const startedHere = Object.fromEntries(
  Object.keys(environmentVariables)
    .filter((name) => /^TEMPORAL_(API_KEY|TLS|CONFIG_FILE|PROFILE)/.test(name))
    .map((name) => [name, '']),
);

/** Shorter waits than in production, because a person watches. All other settings are those of production. */
const demoTiming = {
  SWEEP_INTERVAL_MS: '5000',
  SWEEP_OVERDUE_MS: '3000',
  BLOCKED_GAP_MS: '1000',
  FIRST_RETRY_MS: '250',
  MAX_RETRY_MS: '2000',
  HEARTBEAT_MS: '2000',
  STICKY_TIMEOUT_MS: '2000',
  CALL_TIMEOUT_MS: '5000',
  PSA_SEARCH_LAG_MS: '1000',
  CALLS_PER_SECOND: '200',
  SHUTDOWN_GRACE_MS: '3000',
  // The development server lets a poll wait for five seconds (temporalServer.ts).
  WORKER_SILENT_MS: '12000',
  PUSH_IDLE_MS: '1500',
  // The walkthrough chooses a schedule itself; until then no sync must start by itself in the middle of it.
  DEFAULT_SCHEDULE: 'never',
  VENDOR_API_KEYS: `mailprotector:${demoVendorKey},${anyVendor.id}:${anyVendor.key}`,
  VENDOR_NAMES: `${anyVendor.id}=${anyVendor.name}`,
};

export async function startStack(options: StackOptions): Promise<Stack> {
  const { say } = options;
  const state = resolve(options.state);
  mkdirSync(state, { recursive: true });
  const processes = new Processes(state, say, 3);
  const stop = async () => {
    rmSync(join(state, noteName), { force: true });
    await processes.stopAll();
  };
  options.starting?.(stop);
  const leftovers = await processes.stopLeftovers();
  if (leftovers.length > 0) say(`Stopped what an earlier start had left running: ${leftovers.join(', ')}`);
  rmSync(join(state, noteName), { force: true });
  if (options.reset) await clear(state);

  const began = Date.now();
  try {
    return { ...(await startParts(options, state, processes, began)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function clear(state: string): Promise<void> {
  if (existsSync(join(state, 'postgres-password'))) (await prepareCluster(state, 0)).remove();
  for (const name of [
    'postgres',
    'postgres-password',
    'temporal.db',
    'temporal.db-wal',
    'temporal.db-shm',
    'simulators',
    'token',
    'encryption-keys',
    'world.json',
    'logs',
  ]) {
    rmSync(join(state, name), { recursive: true, force: true });
  }
  mkdirSync(join(state, 'logs'), { recursive: true });
}

async function startParts(
  options: StackOptions,
  state: string,
  processes: Processes,
  began: number,
): Promise<Omit<Stack, 'stop'>> {
  const { say } = options;
  const choose = async (name: string, preferred: number) => {
    const port = await freePort(preferred);
    if (port !== preferred) say(`Port ${preferred} is in use; ${name} takes ${port}.`);
    return port;
  };
  const specs = new Map<string, ProcessSpec>();
  const ready = new Map<string, () => Promise<void>>();
  const launch = async (part: string, spec: ProcessSpec, isReady: () => Promise<void>) => {
    specs.set(part, spec);
    ready.set(part, isReady);
    processes.start(spec);
    await processes.untilReady(part, isReady);
  };

  let databaseUrl = process.env['DATABASE_URL'];
  if (databaseUrl) say('PostgreSQL: yours, from DATABASE_URL');
  else {
    say('PostgreSQL: starting (about 3 s the first time) …');
    const cluster = await prepareCluster(state, await choose('PostgreSQL', 5544));
    await launch('postgres', cluster.spec, () => awaitPostgres(cluster.url));
    await createDatabase(cluster, 'countersign');
    databaseUrl = cluster.urlOf('countersign');
  }

  let temporalAddress = process.env['TEMPORAL_ADDRESS'];
  let temporalUi = process.env['TEMPORAL_UI_URL'] ?? '';
  if (temporalAddress) say(`Temporal: yours, at ${temporalAddress}`);
  else {
    const binary = await findTemporal(say);
    const port = await choose('Temporal', 7233);
    const uiPort = await choose('the Temporal UI', 8233);
    temporalAddress = `127.0.0.1:${port}`;
    temporalUi = `http://127.0.0.1:${uiPort}`;
    say('Temporal: starting (about 2 s) …');
    const address = temporalAddress;
    await launch('temporal', temporalSpec(binary, { port, uiPort }, join(state, 'temporal.db')), () =>
      awaitTemporal(address),
    );
  }

  const keysFile = join(state, 'encryption-keys');
  if (!existsSync(keysFile)) writeFileSync(keysFile, `k1:${randomBytes(32).toString('base64')}`, { mode: 0o600 });
  const env: Record<string, string> = {
    DATABASE_URL: databaseUrl,
    // DATABASE_URL in this program's environment names another database, and DIRECT_DATABASE_URL beside it is meant for that
    // one.
    ...(process.env['DATABASE_URL'] ? {} : { DIRECT_DATABASE_URL: '' }),
    TEMPORAL_ADDRESS: temporalAddress,
    TEMPORAL_UI_URL: temporalUi,
    // How another server is reached says nothing of the one that was started here.
    ...(process.env['TEMPORAL_ADDRESS'] ? {} : startedHere),
    ENCRYPTION_KEYS: readFileSync(keysFile, 'utf8'),
    ...(options.demo ? demoTiming : {}),
    ...options.env,
  };
  say('Migrating …');
  await runOurs('cli/migrate.ts', [], env);
  const token = await ensureToken(state, env);
  const world = options.demo ? worldOf(state, options) : wantedWorld(options);

  const apiPort = await choose('the API', 8080);
  const api = `http://127.0.0.1:${apiPort}`;
  const simulators: Record<string, string> = {};
  if (options.demo) {
    const consoleSettings = JSON.stringify({ vendorApiUrl: `${api}/api`, vendorKey: demoVendorKey });
    const psa = simulatedPsa(world.psa);
    for (const [name, main, preferred] of [
      ['mailprotector', 'simulators/mailprotector/main.ts', 8401],
      [world.psa, psa.main, psa.port],
    ] as const) {
      const port = await choose(`the simulated ${name}`, preferred);
      const url = `http://127.0.0.1:${port}`;
      const args = [
        '--port',
        String(port),
        '--seed',
        String(world.seed),
        '--customers',
        String(world.customers),
        '--data',
        join(state, 'simulators'),
        ...(name === 'mailprotector' ? ['--settings', consoleSettings] : []),
      ];
      await launch(name, ours(name, main, args, env), () => awaitHttp(`${url}/__admin/stats`, name));
      simulators[name] = url;
    }
    Object.assign(env, {
      MAILPROTECTOR_URL: simulators['mailprotector'] ?? '',
      ALLOW_PRIVATE_HOSTS: 'true',
      ...psa.environment,
    });
  }

  const metricsPort = await choose("the worker's metrics", 9464);
  const { register } = options.demo ? simulatedPsa(world.psa) : {};
  await launch('api', ours('api', 'api/main.ts', [], { ...env, API_PORT: String(apiPort) }, register), () =>
    awaitHttp(`${api}/readyz`, 'the API'),
  );
  await launch(
    'worker',
    ours('worker', 'worker/main.ts', [], { ...env, METRICS_PORT: String(metricsPort) }, register),
    () => awaitHttp(`http://127.0.0.1:${metricsPort}/readyz`, 'the worker'),
  );
  writeFileSync(join(state, noteName), JSON.stringify({ ...env, API_PORT: String(apiPort) }), { mode: 0o600 });
  say(`Everything is up after ${((Date.now() - began) / 1000).toFixed(1)} s.`);

  const workflows: string[] = [];
  return {
    api,
    databaseUrl,
    token,
    tokenFile: join(options.state, 'token'),
    async signInLink() {
      const person = ['--email', 'admin@countersign.example', '--name', 'Admin of this machine', '--role', 'admin'];
      const made = await runOurs('cli/admin.ts', ['link', ...person], { ...env, PUBLIC_URL: api });
      return (JSON.parse(made) as { link: string }).link;
    },
    temporalAddress,
    temporalUi,
    simulators,
    world,
    kill: (part) => processes.kill(part),
    async restart(part, env) {
      const spec = specs.get(part);
      if (!spec) throw new Error(`${part} was not started by us.`);
      await processes.stop(part);
      processes.start({ ...spec, env: { ...spec.env, ...env } });
      await processes.untilReady(part, ready.get(part) ?? (async () => undefined));
    },
    noteWorkflow: (id) => void (workflows.includes(id) || workflows.push(id)),
    workflowLinks: () =>
      workflows.map((id) => `  ${id.padEnd(48)} ${temporalUi}/namespaces/default/workflows/${encodeURIComponent(id)}`),
  };
}

/** A module that loads another one, but not in the threads of Temporal's worker: they get every `--import`, and read no TypeScript. */
function inMainThread(module: string): string {
  const url = JSON.stringify(pathToFileURL(join(root, module)).href);
  const text = `import { isMainThread } from 'node:worker_threads'; if (isMainThread) await import(${url});`;
  return `data:text/javascript,${encodeURIComponent(text)}`;
}

/** @param register a module that is loaded before the program */
function ours(
  name: string,
  file: string,
  args: readonly string[],
  env: Record<string, string>,
  register?: string,
): ProcessSpec {
  const before = ['--import', 'tsx', ...(register ? ['--import', inMainThread(register)] : [])];
  return { name, command: process.execPath, args: [...before, join(root, file), ...args], cwd: root, env };
}

async function runOurs(file: string, args: readonly string[], env: Record<string, string>): Promise<string> {
  const { stdout } = await run(process.execPath, ['--import', 'tsx', join(root, file), ...args], {
    cwd: root,
    env: { ...process.env, ...env },
  });
  return stdout;
}

const wantedWorld = ({ seed, customers, psa = usualPsa }: StackOptions): Stack['world'] => ({ seed, customers, psa });

/**
 * Returns the simulated world of this state folder. Later starts keep it, because the stored connections belong to its
 * customers.
 */
function worldOf(state: string, options: StackOptions): Stack['world'] {
  const file = join(state, 'world.json');
  const wanted = wantedWorld(options);
  if (!existsSync(file)) writeFileSync(file, JSON.stringify(wanted));
  const kept = { ...wanted, ...(JSON.parse(readFileSync(file, 'utf8')) as Stack['world']) };
  if (kept.seed !== wanted.seed || kept.customers !== wanted.customers) {
    options.say(`The state folder has ${kept.customers} customers of seed ${kept.seed}; --reset makes others.`);
  }
  if (kept.psa !== wanted.psa) options.say(`The state folder has the PSA ${kept.psa}; --reset takes another.`);
  return kept;
}

/** Returns the admin token, which is made once and kept in a file of the state folder that only its owner may read. */
async function ensureToken(state: string, env: Record<string, string>): Promise<string> {
  const file = join(state, 'token');
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  const made = JSON.parse(await runOurs('cli/admin.ts', ['init', '--organization', 'Acme Managed IT'], env)) as {
    token?: string;
  };
  const token = made.token ?? (JSON.parse(await runOurs('cli/admin.ts', ['token'], env)) as { token: string }).token;
  writeFileSync(file, token, { mode: 0o600 });
  return token;
}

async function awaitHttp(url: string, what: string, limitMs = 60_000): Promise<void> {
  const until = Date.now() + limitMs;
  for (;;) {
    const ok = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (ok) return;
    if (Date.now() > until)
      throw new Error(`${what} is not ready after ${limitMs / 1000} s: ${url}. Its log in the state folder says why.`);
    await delay(100);
  }
}
