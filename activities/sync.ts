/** The activities that guard and apply a sync run. */
import { syncProcess } from '../domain/process/ids.ts';
import { guardUsage } from '../domain/swingGuard.ts';
import { countersign } from '../commands/actor.ts';
import { applyRun, closeRun } from '../commands/syncRun.ts';
import { readIntegration } from '../db/queries/integration.ts';
import { commitFact, finishStep } from '../db/queries/process.ts';
import { claimSyncRun, hasAppliedRun, insertSyncRequest, updateRun } from '../db/queries/sync.ts';
import { listStagedUsage, listUsage } from '../db/queries/usage.ts';
import { isScheduled } from '../db/queries/schedule.ts';
import type { Dependencies } from './dependencies.ts';
import { admitAndWake } from './processRows.ts';
import { effectOf, performStep, wakeAll, type StepRef, type StepResult } from './step.ts';

export function createSyncActivities(deps: Dependencies) {
  return {
    /** Returns the run to drive, if there is one: all open sync requests become one run. */
    async claimSync(integrationId: string): Promise<string | null> {
      return (await claimSyncRun(deps.db, { kind: 'sync', id: integrationId })) ?? null;
    },

    /** Asks for a sync on behalf of a Schedule, once per workflow that asks. */
    async insertScheduledRequest(input: { integrationId: string; onceKey: string }): Promise<void> {
      // The integration was disconnected a moment ago: the next sweep removes its Schedule.
      if (!(await isScheduled(deps.db, input.integrationId))) return;
      const processRef = syncProcess(await readIntegration(deps.db, input.integrationId));
      await deps.db.transaction(async (tx) => {
        await insertSyncRequest(tx, input.integrationId, { requestedBy: 'schedule', onceKey: input.onceKey });
        await commitFact(tx, processRef);
      });
      await wakeAll(deps, [processRef]);
    },

    /**
     * Compares the run with the visible counts; a swing beyond the integration's limit holds the run for a person
     * (invariant 3).
     */
    async guardRun(ref: StepRef): Promise<StepResult> {
      return performStep(deps, ref, async () => {
        const integration = await readIntegration(deps.db, ref.id);
        const [previous, next, applied] = await Promise.all([
          listUsage(deps.db, ref.id),
          listStagedUsage(deps.db, ref.round),
          hasAppliedRun(deps.db, ref.id),
        ]);
        const { swing: settings } = integration.settings;
        const note = guardUsage({ previous, next, settings, firstRun: !applied });
        return async (tx) => {
          await updateRun(tx, ref.round, { guard: note });
          // A held run closes without being applied; releasing it opens `apply` again.
          if (note.held) await finishStep(tx, { ...ref, step: 'apply' }, 'skipped');
        };
      });
    },

    /**
     * Makes the run's counts visible and recomputes the cards that the counts concern: one transaction (invariant 1).
     */
    async applyRun(ref: StepRef): Promise<StepResult> {
      const integration = await readIntegration(deps.db, ref.id);
      const input = { integration, runId: ref.round };
      const result = await performStep(deps, ref, async () => effectOf(applyRun, countersign(integration), input));
      // Runs after the commit, because it begins by locking the integration. If the worker is killed here, the sweep
      // admits the alerts.
      if (integration.modules.includes('alerts')) await admitAndWake(deps, ref.id);
      return result;
    },

    /** Closes the run, applied or held, and completes the steps that waited for the run. */
    async closeRun(ref: StepRef): Promise<StepResult> {
      return performStep(deps, ref, async () => {
        const integration = await readIntegration(deps.db, ref.id);
        return effectOf(closeRun, countersign(integration), { integration, runId: ref.round });
      });
    },
  };
}
