/** A PostgreSQL cluster and a Temporal server for one test file, so that they can be killed without harm to other tests. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { openDatabase } from '../../db/client.ts';
import { migrateDatabase } from '../../db/migrate.ts';
import { freePort } from '../../dev/stack/ports.ts';
import { awaitPostgres, createDatabase, prepareCluster } from '../../dev/stack/postgres.ts';
import { Processes, type ProcessSpec } from '../../dev/stack/processes.ts';
import { findTemporal } from '../../dev/stack/temporalBinary.ts';
import { awaitTemporal, temporalSpec } from '../../dev/stack/temporalServer.ts';
import type { TestDatabase } from './database.ts';
import { until } from '../../dev/until.ts';

export type OwnPart = 'postgres' | 'temporal';

export interface OwnStack {
  temporalAddress: string;
  createDatabase(): Promise<TestDatabase>;
  /** Kills the part as a crash would. */
  kill(part: OwnPart): Promise<void>;
  start(part: OwnPart): Promise<void>;
  close(): Promise<void>;
}

export async function startOwnStack(): Promise<OwnStack> {
  const state = mkdtempSync(join(tmpdir(), 'countersign-chaos-'));
  // PostgreSQL may run as another user, who must be able to enter the folder.
  chmodSync(state, 0o755);
  const processes = new Processes(state, () => undefined);
  const port = await freePort(0);
  const temporalAddress = `127.0.0.1:${port}`;
  // Without the option `fast`, because this cluster has to survive being killed.
  const cluster = await prepareCluster(state, await freePort(0));
  const binary = await findTemporal((line) => process.stderr.write(`${line}\n`));
  const specs: Record<OwnPart, ProcessSpec> = {
    postgres: cluster.spec,
    temporal: temporalSpec(binary, { port, uiPort: 0 }, join(state, 'temporal.db')),
  };
  const ready: Record<OwnPart, () => Promise<void>> = {
    postgres: () => awaitPostgres(cluster.url, 2_000),
    temporal: () => awaitTemporal(temporalAddress, 10_000),
  };

  async function start(part: OwnPart): Promise<void> {
    await until(`${part} to be up`, async () => {
      // After a kill -9 the old server's children may hold its memory and port for a moment; the new server then ends, and is retried.
      if (!processes.isRunning(part)) processes.start(specs[part]);
      await ready[part]();
      return true;
    });
  }

  await Promise.all([start('postgres'), start('temporal')]);
  return {
    temporalAddress,
    async createDatabase() {
      const name = `chaos_${randomUUID().replaceAll('-', '')}`;
      await createDatabase(cluster, name);
      const url = cluster.urlOf(name);
      await migrateDatabase(url);
      const { db, close } = openDatabase(url, 5);
      return { url, db, close };
    },
    kill: (part) => processes.kill(part),
    start,
    async close() {
      await processes.stopAll();
      cluster.remove();
      rmSync(state, { recursive: true, force: true });
    },
  };
}
