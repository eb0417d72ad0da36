/** The safety net: finds rows that nobody woke, and Schedules that went missing. */
import { listIntegrationsWithIdleAlerts } from '../db/queries/alerts.ts';
import { takeOverdue } from '../db/queries/process.ts';
import type { Dependencies } from './dependencies.ts';
import { admitAndWake } from './store.ts';

const processesPerBatch = 200;

export function createSweepActivities(deps: Dependencies) {
  /** Alerts whose place nobody gave them, because an api was killed right after it had kept them. */
  async function admitIdle(): Promise<number> {
    let woken = 0;
    for (const id of await listIntegrationsWithIdleAlerts(deps.db, deps.environment.ALERTS_IN_FLIGHT)) {
      woken += await admitAndWake(deps, id);
    }
    return woken;
  }

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
        if (due.length < processesPerBatch) return woken + (await admitIdle());
      }
    },

    async ensureSchedules(): Promise<void> {
      await deps.ensureSchedules();
    },
  };
}
