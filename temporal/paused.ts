/** What somebody has paused in the Temporal UI: Schedules and activities. */
import type { Client } from '@temporalio/client';
import { processOfWorkflow } from '../domain/process/ids.ts';
import type { PausedActivity, SeenSchedule } from '../domain/temporalSays.ts';
import { sweepScheduleId, syncedBy } from './schedules.ts';

/** More workflows than these with a paused activity are not looked at: they say the same many times. */
const maxWorkflows = 200;

/** Lists our Schedules. Temporal's list lags a moment behind. @throws Error when Temporal does not answer */
export async function listSchedules(client: Client): Promise<SeenSchedule[]> {
  const seen: SeenSchedule[] = [];
  for await (const { scheduleId, memo, state, info } of client.schedule.list()) {
    const integrationId = syncedBy(scheduleId);
    if (integrationId === undefined && scheduleId !== sweepScheduleId) continue;
    const revision = memo?.['revision'];
    seen.push({
      scheduleId,
      integrationId: integrationId ?? null,
      revision: typeof revision === 'string' ? revision : null,
      paused: state.paused,
      nextRuns: info.nextActionTimes.map((time) => time.toISOString()),
    });
  }
  return seen;
}

/**
 * Lists the activities of processes that are paused. The server notes in the search attribute `TemporalPauseInfo` which workflows
 * have one; what is paused, and since when, only the description of the workflow says.
 *
 * @throws Error when Temporal does not answer
 */
export async function listPausedActivities(client: Client): Promise<PausedActivity[]> {
  const found: PausedActivity[] = [];
  const query = "TemporalPauseInfo is not null and ExecutionStatus = 'Running'";
  let looked = 0;
  for await (const { workflowId, runId } of client.workflow.list({ query, pageSize: maxWorkflows })) {
    if (++looked > maxWorkflows) break;
    const processRef = processOfWorkflow(workflowId);
    if (!processRef) continue;
    const { raw } = await client.workflow.getHandle(workflowId, runId).describe();
    for (const { paused, activityType, pauseInfo } of raw.pendingActivities ?? []) {
      if (paused !== true) continue;
      const seconds = Number(pauseInfo?.pauseTime?.seconds ?? Math.floor(Date.now() / 1000));
      const pausedAt = new Date(seconds * 1000).toISOString();
      found.push({ ...processRef, activity: activityType?.name ?? 'unknown', pausedAt });
    }
  }
  return found;
}
