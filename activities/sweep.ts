/** The safety net: finds rows that nobody woke, and Schedules that went missing. */
import { admitAlerts, listIntegrationsWithIdleAlerts } from '../db/queries/alerts.ts';
import { takeOverdue } from '../db/queries/process.ts';
import type { Dependencies } from './dependencies.ts';
import { wakeProcess } from './store.ts';

const processesPerBatch = 200;

export function createSweepActivities(deps: Dependencies) {
  /** Alerts whose place nobody gave them, because an api was killed right after it had kept them. */
  async function admitIdle(): Promise<number> {
    const places = deps.environment.ALERTS_IN_FLIGHT;
    let woken = 0;
    for (const id of await listIntegrationsWithIdleAlerts(deps.db, places)) {
      const admitted = await deps.db.transaction((tx) => admitAlerts(tx, id, places));
      for (const alert of admitted) await wakeProcess(deps, alert);
      woken += admitted.length;
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
