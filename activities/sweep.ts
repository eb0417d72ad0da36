/** The safety net: finds rows that nobody woke, and Schedules that went missing. */
import { takeOverdue } from '../db/queries/process.ts';
import type { Dependencies } from './dependencies.ts';

const processesPerBatch = 200;

export function createSweepActivities(deps: Dependencies) {
  return {
    /** Wakes overdue processes in batches until none is left. Reads PostgreSQL only. @returns how many */
    async sweepOverdue(): Promise<number> {
      let woken = 0;
      for (;;) {
        const due = await takeOverdue(deps.db, deps.environment.SWEEP_OVERDUE_MS, processesPerBatch);
        for (const process of due) {
          await deps
            .wake(process)
            .catch((error: unknown) => deps.logger.warn({ err: error, id: process.id }, 'not woken'));
        }
        woken += due.length;
        if (due.length < processesPerBatch) return woken;
      }
    },

    async ensureSchedules(): Promise<void> {
      await deps.ensureSchedules();
    },
  };
}
