/**
 * Worker versioning, where WORKER_BUILD_ID is set: every worker says its build, and Temporal gives work to the workers of the
 * build that is current. Every workflow upgrades by itself (AutoUpgrade), because it may wait for weeks: the next task of each
 * goes to the build that is current then.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionLike } from '@temporalio/client';
import type { WorkerDeploymentOptions } from '@temporalio/worker';
import { listPollers, type Poller } from './workers.ts';

/** Workers of a build that is promoted have just come. */
const silentMs = 90_000;

/** All workers are one deployment; its builds are its versions. */
const deploymentName = 'countersign';

/**
 * @param buildId WORKER_BUILD_ID
 * @returns the option of a worker; nothing while versioning is off
 */
export function versioning(buildId: string | undefined): { workerDeploymentOptions?: WorkerDeploymentOptions } {
  if (buildId === undefined) return {};
  return {
    workerDeploymentOptions: {
      version: { deploymentName, buildId },
      useWorkerVersioning: true,
      defaultVersioningBehavior: 'AUTO_UPGRADE',
    },
  };
}

/** The build of a worker; undefined = it runs without versioning. */
function buildOf({ deploymentOptions }: Poller): string | undefined {
  const { deploymentName: name, buildId, workerVersioningMode } = deploymentOptions ?? {};
  const versioned = 2;
  return name === deploymentName && Number(workerVersioningMode) === versioned ? (buildId ?? undefined) : undefined;
}

/** @returns the build that is current; undefined = none is, and workers without versioning get all work */
async function currentBuild(connection: ConnectionLike, namespace: string): Promise<string | undefined> {
  try {
    const { workerDeploymentInfo } = await connection.workflowService.describeWorkerDeployment({
      namespace,
      deploymentName,
    });
    return workerDeploymentInfo?.routingConfig?.currentDeploymentVersion?.buildId ?? undefined;
  } catch (error) {
    // No worker has ever said that it belongs to the deployment.
    if (error instanceof Error && 'code' in error && error.code === 5) return undefined;
    throw error;
  }
}

/**
 * Finds out whether the workers that ask for work get any: where they say a build, one build has to be current. Otherwise
 * nobody does anything, and nothing fails.
 *
 * @param pollers the workers that have asked for work lately
 * @returns `current`: the build that is current; `builds`: those of the workers; `why`: the sentence that says why no worker gets
 *   any work, absent where one does
 */
export async function judgeBuilds(
  connection: ConnectionLike,
  namespace: string,
  pollers: readonly Poller[],
): Promise<{ current?: string; builds: string[]; why?: string }> {
  const builds = [...new Set(pollers.flatMap((poller) => buildOf(poller) ?? []))];
  const unversioned = pollers.some((poller) => buildOf(poller) === undefined);
  const current = await currentBuild(connection, namespace);
  const run = `Workers run of: ${builds.join(', ') || 'no build'}.`;
  if (current === undefined)
    return builds.length === 0 || unversioned
      ? { builds }
      : { builds, why: `No build is current, so that no worker gets any work. ${run}` };
  return builds.includes(current)
    ? { current, builds }
    : { current, builds, why: `The build ${current} is current, and no worker of it runs. ${run}` };
}

/**
 * Makes a build current, after its workers have asked each task queue for work.
 *
 * @param limitMs how long its workers are waited for, in milliseconds
 * @returns the build that was current before
 * @throws Error that names the task queues at which no worker of the build was seen: everything in them would stop
 */
export async function promote(
  connection: ConnectionLike,
  namespace: string,
  { buildId, limitMs }: { buildId: string; limitMs: number },
): Promise<string | undefined> {
  const until = Date.now() + limitMs;
  const before = await currentBuild(connection, namespace);
  for (;;) {
    const without = (await listPollers(connection, namespace, silentMs))
      .filter(({ pollers }) => !pollers.some((poller) => buildOf(poller) === buildId))
      .map(({ taskQueue, of }) => `${taskQueue} (${of})`);
    const missing = without.length > 0 ? without.join(', ') : await makeCurrent(connection, { namespace, buildId });
    if (missing === undefined) return before;
    if (Date.now() > until)
      throw new Error(
        `No worker of the build ${buildId} asks for work in ${missing}. Start one with WORKER_BUILD_ID=${buildId}, and look at its log if it does not stay.`,
      );
    await delay(500);
  }
}

/** @returns undefined = the build is current; otherwise what Temporal does not know of the build yet, a moment after its workers came */
async function makeCurrent(
  connection: ConnectionLike,
  of: { namespace: string; buildId: string },
): Promise<string | undefined> {
  try {
    await connection.workflowService.setWorkerDeploymentCurrentVersion({ ...of, deploymentName });
    return undefined;
  } catch (error) {
    const failedPrecondition = 9;
    if (error instanceof Error && 'code' in error && error.code === failedPrecondition)
      return 'every task queue of the build that is current, as Temporal sees it';
    throw error;
  }
}
