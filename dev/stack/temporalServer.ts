import { createConnection } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import type { ProcessSpec } from './processes.ts';

/** What the server does otherwise than it would by itself. */
const usualConfig = {
  'matching.enableFairness': true,
  // A worker that runs asks for work every five seconds, so that one that died is missed soon (WORKER_SILENT_MS).
  'matching.longPollExpirationInterval': '5s',
};

/**
 * Describes the process of Temporal's development server. It keeps its state in a file, so that a restart loses nothing.
 *
 * @param dbFile its database file; undefined = the state is kept in memory only
 * @param config for tests only: dynamic configuration beside the usual one, or instead of it
 */
export function temporalSpec(
  binary: string,
  ports: { port: number; uiPort: number },
  dbFile: string | undefined,
  config: Readonly<Record<string, unknown>> = {},
): ProcessSpec {
  return {
    name: 'temporal',
    command: binary,
    args: [
      'server',
      'start-dev',
      '--ip',
      '127.0.0.1',
      '--port',
      String(ports.port),
      ...(ports.uiPort > 0 ? ['--ui-port', String(ports.uiPort)] : ['--headless']),
      // With a write-ahead log the server starts nearly three times as many workflows (measured: 125 a second instead of 45).
      // A kill -9 still loses nothing. A power failure may lose the last moment; the sweep finds in the rows what to wake.
      ...(dbFile
        ? ['--db-filename', dbFile, '--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=1']
        : []),
      ...Object.entries({ ...usualConfig, ...config }).flatMap(([key, value]) => [
        '--dynamic-config-value',
        `${key}=${JSON.stringify(value)}`,
      ]),
      '--log-level',
      'warn',
    ],
  };
}

/** Waits until the server answers and its namespace exists. @throws Error when it does not answer in time */
export async function awaitTemporal(address: string, limitMs = 60_000): Promise<void> {
  const until = Date.now() + limitMs;
  await awaitPort(address, until);
  for (;;) {
    try {
      const connection = await Connection.connect({ address, connectTimeout: 2_000 });
      try {
        await connection.workflowService.describeNamespace({ namespace: 'default' });
        return;
      } finally {
        await connection.close();
      }
    } catch (error) {
      if (Date.now() > until) throw new Error(`Temporal does not answer at ${address}.`, { cause: error });
      await delay(100);
    }
  }
}

async function awaitPort(address: string, until: number): Promise<void> {
  const [host = '127.0.0.1', port = '7233'] = address.split(':');
  for (;;) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = createConnection({ host, port: Number(port) }, () => {
        socket.destroy();
        resolve(true);
      }).once('error', () => resolve(false));
    });
    if (open) return;
    if (Date.now() > until) throw new Error(`Nothing listens at ${address}.`);
    await delay(50);
  }
}
