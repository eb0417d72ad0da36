/** What the step machinery asks of PostgreSQL. */
import type { ProcessKind, ProcessView } from '../domain/process/steps.ts';
import { admitAlerts } from '../db/queries/alerts.ts';
import type { Transaction } from '../db/client.ts';
import { readIntegration } from '../db/queries/integration.ts';
import {
  blockStep,
  commitFact,
  createProcess,
  ownerOf,
  parkProcess,
  type ProcessRef,
  type StepKey,
} from '../db/queries/process.ts';
import { listWaiters, registerNeed, satisfyNeeds } from '../db/queries/processNeed.ts';
import { refreshedSince } from '../db/queries/psaConnection.ts';
import { insertSyncRequest } from '../db/queries/sync.ts';
import { timingOf } from '../environment.ts';
import type { Dependencies } from './dependencies.ts';
import { readProcessView, type StepRef } from './step.ts';

export function createProcessRowActivities(deps: Dependencies) {
  const timing = timingOf(deps.environment);

  return {
    /** The rows of a process as its workflow may see them. */
    async look(ref: ProcessRef): Promise<ProcessView> {
      return readProcessView(deps, ref);
    },

    async park(ref: ProcessRef & { version: number; dueInMs: number | null }): Promise<boolean> {
      return parkProcess(deps.db, ref);
    },

    /**
     * Blocks a step. One whose other side does not answer, wants a pause, or gives lists that are not whole, tries again by
     * itself; every other waits for a wake.
     */
    async block(ref: StepRef & { code: string }): Promise<void> {
      await blockStep(deps.db, ref, {
        code: ref.code,
        ...(['unreachable', 'throttled', 'incomplete'].includes(ref.code)
          ? { retryInMs: timing.unreachableRetryMs }
          : {}),
      });
      // Whoever waits for this process shows why it waits.
      for (const waiter of await listWaiters(deps.db, ref)) await wakeProcess(deps, waiter);
    },

    /**
     * Registers that a step needs a round of another process, and wakes that. A round that began after this one's and
     * is applied already satisfies the need at once.
     */
    async registerNeed(ref: StepRef & { other: ProcessKind }): Promise<void> {
      const { other: otherKind, ...step } = ref;
      const other = await otherOf(deps, ref.id, otherKind);
      await deps.db.transaction(async (tx) => {
        const owner = await ownerOf(tx, step);
        if (!owner) return;
        await createProcess(tx, owner.organizationId, other);
        await registerNeed(tx, step, other);
        if (otherKind === 'refreshPsa') {
          const refreshed = await refreshedSince(tx, other.id, owner.roundStartedAt);
          if (refreshed) await satisfyNeeds(tx, other, refreshed);
        }
        if (otherKind === 'sync' && !(await waitsForVendor(tx, step))) {
          await insertSyncRequest(tx, other.id, {
            requestedBy: `${step.kind} ${step.id}`,
            // Of a round that is done anew it is asked anew.
            onceKey: `${step.kind}/${step.id}/${step.round}/${owner.roundStartedAt.toISOString()}`,
          });
        }
        await commitFact(tx, other);
      });
      await wakeProcess(deps, other);
    },
  };
}

/** Wakes a process by its key. A failure is not an error: the fact is committed, and the sweep finds it. */
export async function wakeProcess(deps: Dependencies, ref: ProcessRef): Promise<void> {
  const owner = await ownerOf(deps.db, ref);
  if (!owner) return;
  await deps
    .wake(owner)
    .catch((error: unknown) => deps.logger.warn({ err: error, ...ref }, 'not woken; the sweep will'));
}

/** Gives an integration's alerts the places that are free, and wakes those that got one. @returns how many */
export async function admitAndWake(deps: Dependencies, integrationId: string): Promise<number> {
  const slots = deps.environment.ALERTS_IN_FLIGHT;
  const admitted = await deps.db.transaction((tx) => admitAlerts(tx, integrationId, slots));
  for (const alert of admitted) await wakeProcess(deps, alert);
  return admitted.length;
}

/** A migration's counts are what the vendor sends when somebody presses Update Counts there (G36): nobody else asks for them. */
async function waitsForVendor(tx: Transaction, step: StepKey): Promise<boolean> {
  return step.kind === 'migrateToAlerts' && (await readIntegration(tx, step.id)).intake === 'push';
}

async function otherOf(
  deps: Dependencies,
  integrationId: string,
  kind: ProcessKind,
): Promise<ProcessRef & { integrationId?: string }> {
  if (kind === 'refreshPsa') return { kind, id: (await readIntegration(deps.db, integrationId)).psaConnectionId };
  return { kind, id: integrationId, integrationId };
}
