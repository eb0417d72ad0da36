/** Alarms of activities that get nowhere: a line in the log and a counter, for whoever watches (docs/operations.md). */
import { Context } from '@temporalio/activity';
import { Counter } from 'prom-client';
import type { Dependencies } from './dependencies.ts';

type Logging = Pick<Dependencies, 'logger'>;

/** More attempts of one activity than this are an alarm. */
const maxAttempts = 25;
/** So many attempts in a row of one step that timed out are an alarm. */
const maxTimeouts = 3;

const alarms = new Counter({
  name: 'countersign_activity_alarms_total',
  help: 'Attempts of activities that were attempted too often before, or whose last attempts all timed out',
  labelNames: ['activity', 'why'],
});

/** Temporal runs this activity again and again. */
export function alarmIfRepeated({ logger }: Logging): void {
  const { activityType: activity, attempt } = Context.current().info;
  if (attempt <= maxAttempts) return;
  alarms.inc({ activity, why: 'attempts' });
  logger.error(attemptAtWork(), 'alarm: an activity is attempted again and again');
}

/**
 * Attempts of this step never answer. Temporal does not tell an attempt how the one before it ended, so the step's row
 * counts.
 *
 * @param timedOut how many attempts before this one gave no answer
 */
export function alarmIfSilent({ logger }: Logging, timedOut: number): void {
  if (timedOut < maxTimeouts) return;
  alarms.inc({ activity: Context.current().info.activityType, why: 'timeouts' });
  logger.error({ ...attemptAtWork(), timedOut }, 'alarm: the attempts of an activity time out one after another');
}

/** Which attempt of which activity it is, for a line of the log. */
export function attemptAtWork() {
  const { activityType, attempt, workflowExecution } = Context.current().info;
  const { workflowId, runId } = workflowExecution ?? {};
  return { activity: activityType, attempt, workflowId, runId };
}
