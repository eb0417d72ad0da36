/** One PostgreSQL cluster, one Temporal server and one build for a whole `npm test`. */
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import { migrateDatabase } from '../db/migrate.ts';
import { freePort } from '../dev/stack/ports.ts';
import { awaitPostgres, createDatabase, prepareCluster } from '../dev/stack/postgres.ts';
import { Processes } from '../dev/stack/processes.ts';
import { findTemporal } from '../dev/stack/temporalBinary.ts';
import { awaitTemporal, temporalSpec } from '../dev/stack/temporalServer.ts';
import { findChromium } from './kit/chromium.ts';
import { templateDatabase } from './kit/templateDatabase.ts';

declare module 'vitest' {
  interface ProvidedContext {
    postgresUrl: string;
    temporalAddress: string;
    /** How often a system's sweep looks, in milliseconds. */
    sweepIntervalMs: string;
    /** Where the Temporal UI is. */
    temporalUi: string;
    /** The folder of what `npm run build` makes: what the tests' processes run, as production does; with the tests' PSAs besides. */
    built: string;
    workflowBundle: string;
  }
}

/**
 * A timer that is set for some milliseconds fires then. Otherwise the server, which allows for clocks of several hosts that differ,
 * fires it up to a second later (measured), and so a retry or a wait takes a second.
 */
const timersInTime = { 'history.timerProcessorMaxTimeShift': '10ms' };

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const state = mkdtempSync(join(tmpdir(), 'countersign-test-'));
  // PostgreSQL may run as another user, who has to get here.
  chmodSync(state, 0o755);
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const processes = new Processes(state, say);
  // In here, because what was built looks for its packages in the folders above it.
  const cache = fileURLToPath(new URL('../node_modules/.cache', import.meta.url));
  mkdirSync(cache, { recursive: true });
  const built = mkdtempSync(join(cache, 'countersign-test-'));
  const runs = (name: string) => project.vitest.projects.some((each) => each.name === name);
  const stop = async () => {
    await processes.stopAll();
    for (const folder of [state, built]) rmSync(folder, { recursive: true, force: true });
  };
  const started = await Promise.allSettled([startPostgres(), startTemporal(), build(), installChromium()]);
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
    const uiPort = await freePort(0);
    // A dead worker is missed only in the tests of the worst days; elsewhere the polls that wait for work would only compute. They
    // last no minute, as Temporal has it by itself: with that, a task once waited for two of them (seen once in twenty runs).
    const config = { ...timersInTime, ...(runs('chaos') ? {} : { 'matching.longPollExpirationInterval': '20s' }) };
    const spec = temporalSpec(binary, { port, uiPort }, undefined, config);
    // It may use more memory instead of collecting its garbage so often: a tenth of what it computed (measured).
    processes.start({ ...spec, env: { GOGC: '400' } });
    await awaitTemporal(`127.0.0.1:${port}`);
    project.provide('temporalAddress', `127.0.0.1:${port}`);
    project.provide('temporalUi', `http://127.0.0.1:${uiPort}`);
  }

  /** Once, because installers that run at the same time refuse each other. Where it fails, each test of pages says why. */
  async function installChromium(): Promise<void> {
    if (runs('browser') || runs('chaos')) await findChromium().catch(() => undefined);
  }

  async function build(): Promise<void> {
    const script = fileURLToPath(new URL('../dev/stack/build.ts', import.meta.url));
    const options = ['--out', built, '--project', 'test/psas/tsconfig.json', '--no-check'];
    await promisify(execFile)(process.execPath, ['--import', 'tsx', script, ...options]);
    project.provide('built', built);
    project.provide('workflowBundle', join(built, 'workflows.bundle.js'));
  }
}
