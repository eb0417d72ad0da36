/** Activities by urgency, so that a large pull never makes a person wait. */
import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { bulkTaskQueue, workflowTaskQueue } from '../domain/process/ids.ts';

// Every call sets its own limits (workflows/process.ts); these only satisfy the types.
const limits = { startToCloseTimeout: '1 minute' } as const;

export const interactive = proxyActivities<Activities>({ ...limits, taskQueue: workflowTaskQueue });
/** Local activities, for steps that only ask PostgreSQL; one that fails is retried as a normal activity, which the Temporal UI shows. */
export const brief = proxyLocalActivities<Activities>({
  startToCloseTimeout: '2 seconds',
  retry: { maximumAttempts: 1 },
});
export const bulk = proxyActivities<Activities>({ ...limits, taskQueue: bulkTaskQueue });
