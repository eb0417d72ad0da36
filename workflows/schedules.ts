/** The workflows that Temporal Schedules start. They leave the work to the processes. */
import { ApplicationFailure, continueAsNew, proxyActivities, sleep, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { businessIdOf, wrongInput } from '../domain/process/ids.ts';
import { Changes } from './changes.ts';

const activities = proxyActivities<Activities>({
  startToCloseTimeout: '10 minutes',
  // A worker that dies in a sweep must not keep the next one waiting for those ten minutes.
  heartbeatTimeout: '1 minute',
  retry: { initialInterval: '1s', maximumInterval: '10s' },
});

/** After so many sweeps the workflow continues as new, so that its history stays short. */
const sweepsOfRun = 500;

/**
 * Wakes overdue processes and looks after the Schedules, again and again. A Schedule starts it if it is not there. Of two that are
 * there at once (somebody deleted the Schedule, and it was made again) the older one ends.
 */
export async function sweep(): Promise<{ woken: number } | void> {
  // A run of earlier code sweeps once; its Schedule then starts another.
  if (!new Changes().has('sweep-stays')) {
    await activities.ensureSchedules.executeWithOptions({ summary: 'Recreate missing Schedules' }, []);
    return { woken: await activities.sweepOverdue.executeWithOptions({ summary: 'Wake what is overdue' }, []) };
  }
  const { firstExecutionRunId: sweeper, continuedFromExecutionRunId: previous } = workflowInfo();
  for (let sweeps = 0; sweeps < sweepsOfRun; sweeps++) {
    const isFirst = previous === undefined && sweeps === 0;
    const { nextInMs } = await activities.sweepAll.executeWithOptions({ summary: 'Wake what is overdue' }, [
      { sweeper, isFirst },
    ]);
    if (nextInMs === null) return;
    await sleep(nextInMs, { summary: 'Until the next sweep' });
  }
  await continueAsNew();
}

/** Requests a sync, once per action of the Schedule. */
export async function requestSync(input: { integrationId: string }): Promise<void> {
  const integrationId = businessIdOf('sync', input);
  if (integrationId === undefined)
    throw ApplicationFailure.nonRetryable(wrongInput('sync', 'requestSync'), 'wrong_input');
  await activities.insertScheduledRequest.executeWithOptions({ summary: 'Ask for a sync' }, [
    { integrationId, onceKey: workflowInfo().workflowId },
  ]);
}
