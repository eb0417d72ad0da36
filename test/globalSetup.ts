/** One PostgreSQL cluster, one Temporal server and one workflow bundle for a whole `npm test`. */
import { mkdtempSync, rmSync, writeFileSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import type { TestProject } from 'vitest/node';
import { migrateDatabase } from '../db/migrate.ts';
import { freePort } from '../dev/ports.ts';
import { awaitPostgres, createDatabase, prepareCluster } from '../dev/postgres.ts';
import { Processes } from '../dev/processes.ts';
import { findTemporal } from '../dev/temporalBinary.ts';
import { awaitTemporal, temporalSpec } from '../dev/temporalServer.ts';
import { templateDatabase } from './kit/templateDatabase.ts';

declare module 'vitest' {
  interface ProvidedContext {
    postgresUrl: string;
    temporalAddress: string;
    workflowBundle: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const state = mkdtempSync(join(tmpdir(), 'countersign-test-'));
  // PostgreSQL may run as another user, who has to get here.
  chmodSync(state, 0o755);
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const processes = new Processes(state, say);
  const stop = async () => {
    await processes.stopAll();
    rmSync(state, { recursive: true, force: true });
  };
  const started = await Promise.allSettled([startPostgres(), startTemporal(), bundle()]);
  const failed = started.find((result) => result.status === 'rejected');
  if (failed) {
    await stop();
    throw failed.reason;
  }
  return stop;

  async function startPostgres(): Promise<void> {
    const cluster = await prepareCluster(state, await freePort(0), true);
    processes.start(cluster.spec);
    await awaitPostgres(cluster.url);
    await createDatabase(cluster, templateDatabase);
    await migrateDatabase(cluster.urlOf(templateDatabase));
    project.provide('postgresUrl', cluster.url);
  }

  async function startTemporal(): Promise<void> {
    const binary = await findTemporal(say);
    const port = await freePort(0);
    processes.start(temporalSpec(binary, { port, uiPort: 0 }, undefined));
    await awaitTemporal(`127.0.0.1:${port}`);
    project.provide('temporalAddress', `127.0.0.1:${port}`);
  }

  async function bundle(): Promise<void> {
    const { code } = await bundleWorkflowCode({
      workflowsPath: fileURLToPath(new URL('../workflows/index.ts', import.meta.url)),
      logger: new DefaultLogger('WARN'),
    });
    const file = join(state, 'workflows.js');
    writeFileSync(file, code);
    project.provide('workflowBundle', file);
  }
}
