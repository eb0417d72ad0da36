/** A transaction pooler in front of a test's database: PgBouncer as `apt-get install pgbouncer` installs it. */
import { existsSync, mkdtempSync, rmSync, writeFileSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { freePort } from '../../dev/stack/ports.ts';
import { awaitPostgres, postgresOwner } from '../../dev/stack/postgres.ts';
import { Processes } from '../../dev/stack/processes.ts';

/** @returns the program's path, or undefined; its package installs it in a folder that is not on an ordinary user's PATH */
export function findPgbouncer(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, 'pgbouncer')).find((path) => existsSync(path));
}

export interface Pooler {
  /** The URL of a database through the pooler. @param url the database's own URL */
  through(url: string): string;
  stop(): Promise<void>;
}

/**
 * Starts PgBouncer in transaction mode with few connections, so that many clients share each, and without its support for
 * prepared statements.
 *
 * @param program the path from `findPgbouncer`
 * @param serverUrl the URL of the PostgreSQL behind it
 */
export async function startPgbouncer(program: string, serverUrl: string): Promise<Pooler> {
  const server = new URL(serverUrl);
  const port = await freePort(0);
  const state = mkdtempSync(join(tmpdir(), 'countersign-pgbouncer-'));
  // PgBouncer refuses to run as root, so it runs as another user, who must be able to enter the folder.
  chmodSync(state, 0o755);
  const owner = await postgresOwner();
  writeFileSync(
    join(state, 'pgbouncer.ini'),
    [
      '[databases]',
      `* = host=${server.hostname} port=${server.port} user=${server.username} password=${server.password}`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = any',
      'pool_mode = transaction',
      'default_pool_size = 4',
    ].join('\n'),
  );
  const processes = new Processes(state, () => undefined);
  processes.start({
    name: 'pgbouncer',
    command: program,
    args: [join(state, 'pgbouncer.ini')],
    cwd: '/',
    stopSignal: 'SIGINT',
    ...owner,
  });
  const through = (url: string) => {
    const pooled = new URL(url);
    pooled.port = String(port);
    return pooled.href;
  };
  await awaitPostgres(through(serverUrl));
  return {
    through,
    async stop() {
      await processes.stopAll();
      rmSync(state, { recursive: true, force: true });
    },
  };
}
