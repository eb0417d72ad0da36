/** A PostgreSQL cluster and a Temporal server of a test file's own, so that they may be killed without harm to others. */
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
  /** As a crash would. */
  kill(part: OwnPart): Promise<void>;
  start(part: OwnPart): Promise<void>;
  close(): Promise<void>;
}

export async function startOwnStack(): Promise<OwnStack> {
  const state = mkdtempSync(join(tmpdir(), 'countersign-chaos-'));
  // PostgreSQL may run as another user, who has to get here.
  chmodSync(state, 0o755);
  const processes = new Processes(state, () => undefined);
  const port = await freePort(0);
  const temporalAddress = `127.0.0.1:${port}`;
  // Not `fast`: it is there to be killed.
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
      // After a kill -9 the children of the old server may hold its memory and its port for a moment, and the new one ends.
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
