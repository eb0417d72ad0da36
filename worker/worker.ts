/**
 * The two Temporal workers of a worker process: one for workflows and short activities, one for long pulls, which have
 * task slots of their own.
 */
import { Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker';
import { createActivities } from '../activities/index.ts';
import type { Dependencies } from '../activities/dependencies.ts';
import { bulkTaskQueue, workflowTaskQueue } from '../domain/process/ids.ts';
import { versioning } from '../temporal/deployment.ts';
import { ActivityInterceptor } from './interceptors.ts';

/**
 * @param bundle the prebuilt workflow bundle's file, its code, or absent = bundle the sources now
 */
export async function createWorkers(
  deps: Dependencies,
  connection: NativeConnection,
  bundle: Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'>,
): Promise<Worker[]> {
  const { environment } = deps;
  const shared = {
    connection,
    namespace: environment.TEMPORAL_NAMESPACE,
    activities: createActivities(deps),
    interceptors: { activity: [() => ({ inbound: new ActivityInterceptor(deps) })] },
    ...versioning(environment.WORKER_BUILD_ID),
    maxConcurrentActivityTaskExecutions: environment.MAX_ACTIVITIES,
    maxHeartbeatThrottleInterval: environment.HEARTBEAT_MS / 2,
    defaultHeartbeatThrottleInterval: environment.HEARTBEAT_MS / 2,
    // A flood of Signals that came while no worker was running is one activation, and costs a millisecond or more for
    // each Signal. The SDK's 5 s do not suffice for that on a busy machine, and exceeding them can end the whole
    // process ("async hook stack has become corrupted", seen; sdk-typescript issue 939). The SDK takes this option but
    // does not document it: without the option, the storm in test/chaos/failingSteps.test.ts fails.
    isolateExecutionTimeout: '1 minute',
    shutdownGraceTime: environment.SHUTDOWN_GRACE_MS,
    shutdownForceTime: environment.SHUTDOWN_GRACE_MS + 5_000,
  };
  return [
    await Worker.create({
      ...shared,
      ...bundle,
      taskQueue: workflowTaskQueue,
      // Most workflows sleep for days. Keeping thousands of them cached makes a heap of a gigabyte, and each garbage
      // collection of it makes the few workflows that are awake wait; a short history is read again in milliseconds.
      maxCachedWorkflows: 500,
      // The SDK's fixed ten pollers leave two for new workflows, which is a dozen a second, whatever else is idle
      // (measured).
      workflowTaskPollerBehavior: { type: 'autoscaling' },
      stickyQueueScheduleToStartTimeout: environment.STICKY_TIMEOUT_MS,
    }),
    await Worker.create({ ...shared, taskQueue: bulkTaskQueue }),
  ];
}
