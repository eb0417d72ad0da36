/** A transaction pooler before a test's database: PgBouncer as `apt-get install pgbouncer` brings it. */
import { existsSync, mkdtempSync, rmSync, writeFileSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { freePort } from '../../dev/stack/ports.ts';
import { awaitPostgres, postgresOwner } from '../../dev/stack/postgres.ts';
import { Processes } from '../../dev/stack/processes.ts';

/** @returns where the program is, or undefined; its package puts it where an ordinary user's PATH does not lead */
export function findPgbouncer(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, 'pgbouncer')).find((path) => existsSync(path));
}

export interface Pooler {
  /** Of a database, through the pooler. @param url the database's own */
  through(url: string): string;
  stop(): Promise<void>;
}

/**
 * Starts one in transaction mode with few connections, so that many share each, and with no help for prepared statements.
 *
 * @param program from `findPgbouncer`
 * @param serverUrl of the PostgreSQL that it stands before
 */
export async function startPgbouncer(program: string, serverUrl: string): Promise<Pooler> {
  const server = new URL(serverUrl);
  const port = await freePort(0);
  const state = mkdtempSync(join(tmpdir(), 'countersign-pgbouncer-'));
  // As root it refuses to run, and whoever it runs as has to get here.
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
