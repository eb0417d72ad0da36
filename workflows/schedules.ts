/** The workflows that Temporal Schedules start. They are short, and leave the work to the processes. */
import { proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';

const activities = proxyActivities<Activities>({
  startToCloseTimeout: '10 minutes',
  // A worker that dies in a sweep must not keep the next one waiting for those ten minutes.
  heartbeatTimeout: '1 minute',
  retry: { initialInterval: '1s', maximumInterval: '10s' },
});

/** Wakes overdue processes, and recreates missing Schedules. */
export async function sweep(): Promise<{ woken: number }> {
  await activities.ensureSchedules.executeWithOptions({ summary: 'Recreate missing Schedules' }, []);
  const woken = await activities.sweepOverdue.executeWithOptions({ summary: 'Wake what is overdue' }, []);
  return { woken };
}

/** Requests a sync, once per action of the Schedule. */
export async function requestSync({ integrationId }: { integrationId: string }): Promise<void> {
  await activities.insertScheduledRequest.executeWithOptions({ summary: 'Ask for a sync' }, [
    { integrationId, onceKey: workflowInfo().workflowId },
  ]);
}
