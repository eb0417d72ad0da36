import type { ConnectionLike } from '@temporalio/client';
import { bulkTaskQueue, workflowTaskQueue } from '../domain/process/ids.ts';

const polled = [
  { name: workflowTaskQueue, taskQueueType: 1, of: 'workflows' },
  { name: workflowTaskQueue, taskQueueType: 2, of: 'activities' },
  { name: bulkTaskQueue, taskQueueType: 2, of: 'activities' },
] as const;

type TaskQueue = Awaited<ReturnType<ConnectionLike['workflowService']['describeTaskQueue']>>;
/** A worker that asks a task queue for work. */
export type Poller = NonNullable<TaskQueue['pollers']>[number];

/**
 * Lists the workers that have asked each task queue for work lately. Temporal lets a poll wait for one minute
 * (`matching.longPollExpirationInterval`), and then the worker asks again; it lists a poller for five minutes after its last
 * request, also one that was killed.
 *
 * @param silentMs how long a worker that runs may stay silent, in milliseconds
 * @throws Error when Temporal does not answer
 */
export function listPollers(
  connection: ConnectionLike,
  namespace: string,
  silentMs: number,
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

/** Finds the task queue that the fewest workers ask for work: without one there, something stands still. */
export function fewest(queues: Awaited<ReturnType<typeof listPollers>>): { workers: number; taskQueue: string } {
  const counts = queues.map(({ taskQueue, pollers }) => ({
    workers: new Set(pollers.map(({ identity }) => identity)).size,
    taskQueue,
  }));
  return counts.reduce((least, each) => (each.workers < least.workers ? each : least));
}
