/** The calls of the step machine to PostgreSQL. */
import { refreshProcess, syncProcess } from '../domain/process/ids.ts';
import type { ProcessView } from '../domain/process/steps.ts';
import { changeAndAdmit } from '../commands/alertAdmission.ts';
import { readIntegration } from '../db/queries/integration.ts';
import { blockStep, commitFact, createProcess, ownerOf, parkProcess, type ProcessRef } from '../db/queries/process.ts';
import { listWaiters, registerNeed, satisfyNeeds } from '../db/queries/processNeed.ts';
import { refreshedSince } from '../db/queries/psaConnection.ts';
import { insertSyncRequest } from '../db/queries/sync.ts';
import { timingOf } from '../environment.ts';
import type { Dependencies } from './dependencies.ts';
import { readProcessView, wakeAll, type StepRef } from './step.ts';

export function createProcessRowActivities(deps: Dependencies) {
  const timing = timingOf(deps.environment);

  return {
    /** Returns the rows of a process in the form that its workflow may see. */
    async look(ref: ProcessRef): Promise<ProcessView> {
      return readProcessView(deps, ref);
    },

    async park(ref: ProcessRef & { version: number; dueInMs: number | null }): Promise<boolean> {
      return parkProcess(deps.db, ref);
    },

    /**
     * Blocks a step. A step whose outside system does not answer, asks for a pause, or gives incomplete lists, tries
     * again by itself; every other step waits for a wake.
     */
    async block(ref: StepRef & { code: string }): Promise<void> {
      await blockStep(deps.db, ref, {
        code: ref.code,
        ...(['unreachable', 'throttled', 'incomplete'].includes(ref.code)
          ? { retryInMs: timing.unreachableRetryMs }
          : {}),
      });
      // The processes that wait for this one show why they wait.
      await wakeAll(deps, await listWaiters(deps.db, ref));
    },

    /**
     * Registers that a step needs a round of another process, and wakes that process. A round of it that began after
     * this step's round and is applied already satisfies the need at once.
     */
    async registerNeed(ref: StepRef & { other: 'refreshPsa' | 'sync' }): Promise<void> {
      const { other: otherKind, ...step } = ref;
      const row = await readIntegration(deps.db, ref.id);
      const other = otherKind === 'sync' ? syncProcess(row) : refreshProcess({ ...row, id: row.psaConnectionId });
      const toWake = await deps.db.transaction(async (tx) => {
        const owner = await ownerOf(tx, step);
        if (!owner) return [];
        await createProcess(tx, owner.organizationId, other);
        await registerNeed(tx, step, other);
        if (otherKind === 'refreshPsa') {
          const refreshed = await refreshedSince(tx, other.id, owner.roundStartedAt);
          if (refreshed) await satisfyNeeds(tx, other, refreshed);
        }
        // With the intake push, a migration takes the counts that the vendor sends when somebody presses Update Counts
        // in the vendor's console (G36): no sync is requested here.
        const waitsForVendor = step.kind === 'migrateToAlerts' && row.intake === 'push';
        if (otherKind === 'sync' && !waitsForVendor) {
          await insertSyncRequest(tx, other.id, {
            requestedBy: `${step.kind} ${step.id}`,
            // The key contains the round's start, so that a round that is started anew asks for a new sync.
            onceKey: `${step.kind}/${step.id}/${step.round}/${owner.roundStartedAt.toISOString()}`,
          });
        }
        await commitFact(tx, other);
        return [other];
      });
      await wakeAll(deps, toWake);
    },
  };
}

/** Gives an integration's free slots to its alerts, and wakes the alerts that got one. @returns how many */
export async function admitAndWake(deps: Dependencies, integrationId: string): Promise<number> {
  const of = { integrationId, slots: deps.environment.ALERTS_IN_FLIGHT };
  const { toWake } = await deps.db.transaction((tx) => changeAndAdmit(tx, of, async () => undefined));
  await wakeAll(deps, toWake);
  return toWake.length;
}
