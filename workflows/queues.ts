/** Activities by urgency: a large pull never keeps a person waiting. */
import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { bulkTaskQueue, workflowTaskQueue } from '../domain/process.ts';

// Every call sets its own limits (workflows/process.ts); these only satisfy the types.
const limits = { startToCloseTimeout: '1 minute' } as const;

export const interactive = proxyActivities<Activities>({ ...limits, taskQueue: workflowTaskQueue });
export const bulk = proxyActivities<Activities>({ ...limits, taskQueue: bulkTaskQueue });
