/**
 * Alarms for activities that make no progress: a line in the log and a counter, for the operator's monitoring
 * (docs/operations.md).
 */
import { Context } from '@temporalio/activity';
import { Counter } from 'prom-client';
import type { Dependencies } from './dependencies.ts';

type Logging = Pick<Dependencies, 'logger'>;

/** More attempts of one activity than this are an alarm. */
const maxAttempts = 25;
/** This many attempts of one step that timed out in a row are an alarm. */
const maxTimeouts = 3;

const alarms = new Counter({
  name: 'countersign_activity_alarms_total',
  help: 'Attempts of activities that were attempted too often before, or whose last attempts all timed out',
  labelNames: ['activity', 'why'],
});

/** Raises an alarm when Temporal runs this activity again and again. */
export function alarmIfRepeated({ logger }: Logging): void {
  const { activityType: activity, attempt } = Context.current().info;
  if (attempt <= maxAttempts) return;
  alarms.inc({ activity, why: 'attempts' });
  logger.error(attemptAtWork(), 'alarm: an activity is attempted again and again');
}

/**
 * Raises an alarm when attempts of this step give no answer. Temporal does not tell an attempt how the one before it
 * ended, so the step's row counts.
 *
 * @param timedOut how many attempts before this one gave no answer
 */
export function alarmIfSilent({ logger }: Logging, timedOut: number): void {
  if (timedOut < maxTimeouts) return;
  alarms.inc({ activity: Context.current().info.activityType, why: 'timeouts' });
  logger.error({ ...attemptAtWork(), timedOut }, 'alarm: the attempts of an activity time out one after another');
}

/** Returns the activity and the attempt at work; nothing outside an activity, as in doctor. */
export function attemptIfAny(): Partial<ReturnType<typeof attemptAtWork>> {
  try {
    return attemptAtWork();
  } catch {
    return {};
  }
}

/** Returns the activity and the attempt at work, for a line of the log. */
export function attemptAtWork() {
  const { activityType, attempt, workflowExecution } = Context.current().info;
  const { workflowId, runId } = workflowExecution ?? {};
  return { activity: activityType, attempt, workflowId, runId };
}
