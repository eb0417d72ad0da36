import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import { workflowTaskQueue } from '../domain/process.ts';

/** The id of the one Schedule that every deployment has. */
export const sweepScheduleId = 'sweep';

/**
 * Creates the Schedules that are missing. Missed sweeps need no catching up: one finds all that is overdue.
 *
 * @param sweepIntervalMs milliseconds between two sweeps
 */
export async function ensureSchedules(client: Client, sweepIntervalMs: number): Promise<void> {
  try {
    await client.schedule.create({
      scheduleId: sweepScheduleId,
      spec: { intervals: [{ every: sweepIntervalMs }] },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: Math.max(10_000, sweepIntervalMs) },
      action: {
        type: 'startWorkflow',
        workflowType: 'sweep',
        workflowId: 'sweep',
        taskQueue: workflowTaskQueue,
        args: [],
        staticSummary: 'Wakes processes that nobody woke',
      },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    const handle = client.schedule.getHandle(sweepScheduleId);
    const current = await handle.describe();
    if (current.spec.intervals?.[0]?.every === sweepIntervalMs) return;
    await handle.update((previous) => ({ ...previous, spec: { intervals: [{ every: sweepIntervalMs }] } }));
  }
}
