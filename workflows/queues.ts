/** Activities by urgency: a large pull never keeps a person waiting. */
import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { bulkTaskQueue, workflowTaskQueue } from '../domain/process/ids.ts';

// Every call sets its own limits (workflows/process.ts); these only satisfy the types.
const limits = { startToCloseTimeout: '1 minute' } as const;

export const interactive = proxyActivities<Activities>({ ...limits, taskQueue: workflowTaskQueue });
/** In the workflow's own task, for what asks PostgreSQL alone; what fails is tried the visible way. */
export const brief = proxyLocalActivities<Activities>({
  startToCloseTimeout: '2 seconds',
  retry: { maximumAttempts: 1 },
});
export const bulk = proxyActivities<Activities>({ ...limits, taskQueue: bulkTaskQueue });
