import type { ConnectionLike } from '@temporalio/client';
import { bulkTaskQueue, workflowTaskQueue } from '../domain/process/ids.ts';

/**
 * How long a worker that runs may stay silent, in milliseconds. Temporal lets a poll wait for one minute
 * (`matching.longPollExpirationInterval`) and then the worker asks again; it lists a poller for five minutes after its last
 * request, also one that was killed.
 */
const silentMs = 90_000;

const polled = [
  { name: workflowTaskQueue, taskQueueType: 1, of: 'workflows' },
  { name: workflowTaskQueue, taskQueueType: 2, of: 'activities' },
  { name: bulkTaskQueue, taskQueueType: 2, of: 'activities' },
] as const;

type TaskQueue = Awaited<ReturnType<ConnectionLike['workflowService']['describeTaskQueue']>>;
/** A worker that asks a task queue for work. */
export type Poller = NonNullable<TaskQueue['pollers']>[number];

/**
 * Lists the workers that have asked each task queue for work lately.
 *
 * @throws Error when Temporal does not answer
 */
export function listPollers(
  connection: ConnectionLike,
  namespace: string,
): Promise<{ taskQueue: string; of: string; pollers: Poller[] }[]> {
  return Promise.all(
    polled.map(async ({ name, taskQueueType, of }) => {
      const { pollers } = await connection.workflowService.describeTaskQueue({
        namespace,
        taskQueue: { name },
        taskQueueType,
      });
      const awake = (pollers ?? []).filter(
        ({ lastAccessTime }) => Date.now() - Number(lastAccessTime?.seconds ?? 0) * 1000 < silentMs,
      );
      return { taskQueue: name, of, pollers: awake };
    }),
  );
}

/**
 * Counts the workers that have asked each task queue for work lately.
 *
 * @param limitMs milliseconds after which an answer of Temporal's is not waited for any longer
 * @returns the smallest of the counts, and the task queue that has it
 * @throws Error when Temporal does not answer
 */
export async function countWorkers(
  connection: ConnectionLike,
  namespace: string,
  limitMs: number,
): Promise<{ workers: number; taskQueue: string }> {
  const queues = await connection.withDeadline(Date.now() + limitMs, () => listPollers(connection, namespace));
  const counts = queues.map(({ taskQueue, pollers }) => ({
    workers: new Set(pollers.map(({ identity }) => identity)).size,
    taskQueue,
  }));
  return counts.reduce((least, each) => (each.workers < least.workers ? each : least));
}
