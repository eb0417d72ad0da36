/** The safety net: finds rows for which no process was woken, and Schedules that went missing. */
import { listIntegrationsWithIdleAlerts } from '../db/queries/alerts.ts';
import { takeOverdue } from '../db/queries/processOverdue.ts';
import { listScheduled } from '../db/queries/schedule.ts';
import { isSweeper, noteSwept, takeOverSweep } from '../db/queries/sweep.ts';
import { storePausedActivities, storeSchedules } from '../db/queries/temporalSays.ts';
import { calendarsOf, defaultSchedule } from '../domain/schedule.ts';
import type { Dependencies } from './dependencies.ts';
import { admitAndWake } from './processRows.ts';

const processesPerBatch = 200;

export function createSweepActivities(deps: Dependencies) {
  /** Gives slots to alerts that got none because an api was killed right after it had kept them. */
  async function admitIdle(): Promise<number> {
    let woken = 0;
    for (const id of await listIntegrationsWithIdleAlerts(deps.db, deps.environment.ALERTS_IN_FLIGHT)) {
      woken += await admitAndWake(deps, id);
    }
    return woken;
  }

  /** Stores what Temporal says, for the API. A failure is only logged: waking what is overdue is more important. */
  async function readTemporal(): Promise<void> {
    try {
      const { schedules, pausedActivities } = await deps.readTemporal();
      await storeSchedules(deps.db, schedules);
      await storePausedActivities(deps.db, pausedActivities);
    } catch (error) {
      deps.logger.error({ err: error }, 'what is paused in Temporal could not be read; the next sweep tries again');
    }
  }

  const activities = {
    /**
     * One sweep: looks after the Schedules, wakes what is overdue, and notes that it has done so.
     *
     * @param of.sweeper id of the first run of the workflow that sweeps
     * @param of.isFirst it has just been started, and so takes over from a workflow that sweeps already
     * @returns milliseconds until the next sweep; null = another workflow has taken over
     */
    async sweepAll({ sweeper, isFirst }: { sweeper: string; isFirst: boolean }): Promise<{ nextInMs: number | null }> {
      if (isFirst) await takeOverSweep(deps.db, sweeper);
      else if (!(await isSweeper(deps.db, sweeper))) return { nextInMs: null };
      await activities.ensureSchedules();
      await readTemporal();
      await noteSwept(deps.db, sweeper, await activities.sweepOverdue());
      return { nextInMs: deps.environment.SWEEP_INTERVAL_MS };
    },

    /** Wakes overdue processes in batches until none is left. Reads PostgreSQL only. @returns how many */
    async sweepOverdue(): Promise<number> {
      let woken = 0;
      for (;;) {
        const due = await takeOverdue(deps.db, deps.environment.SWEEP_OVERDUE_MS, processesPerBatch);
        for (const ref of due) {
          await deps.wake(ref).catch((error: unknown) => deps.logger.warn({ err: error, id: ref.id }, 'not woken'));
        }
        woken += due.length;
        if (due.length < processesPerBatch) return woken + (await admitIdle());
      }
    },

    /**
     * Makes Temporal's Schedules match the chosen ones. A failure here is only logged, so that the rest of the sweep
     * still wakes its processes.
     */
    async ensureSchedules(): Promise<void> {
      const { DEFAULT_SCHEDULE, DEFAULT_TIME_ZONE } = deps.environment;
      const preset = defaultSchedule(DEFAULT_SCHEDULE, DEFAULT_TIME_ZONE);
      try {
        const scheduled = await listScheduled(deps.db);
        const wanted = scheduled.map(({ chosen, ...of }) => ({ ...(chosen ?? preset), ...of }));
        await deps.ensureSchedules(wanted.filter(({ choice }) => calendarsOf(choice).length > 0));
      } catch (error) {
        deps.logger.error({ err: error }, 'the Schedules could not be looked after; the next sweep tries again');
      }
    },
  };
  return activities;
}
