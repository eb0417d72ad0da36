/** Makes a sync run visible, or closes it as held (invariants 1 and 3). */
import type { Transaction } from '../db/client.ts';
import { recomputeIntegration } from '../db/queries/cards.ts';
import type { IntegrationRow } from '../db/queries/integration.ts';
import { listWaiters, satisfyNeeds } from '../db/queries/processNeed.ts';
import { settlePushed } from '../db/queries/push.ts';
import { dropStaged } from '../db/queries/staging.ts';
import { readSyncRun, supersedeHeldRuns, updateRun, type SyncRunRow } from '../db/queries/sync.ts';
import { applyUsage } from '../db/queries/usage.ts';
import { audit, type Command } from './actor.ts';
import { deriveUsageZero, usageByAccount } from './derivedAlerts.ts';
import { advanceCounted } from './onboarding.ts';

interface Run {
  integration: IntegrationRow;
  runId: string;
}

/** Makes the run's counts visible, and recomputes the cards that they concern. */
export const applyRun: Command<Run> = async (tx, actor, { integration, runId }) => {
  const { id } = integration;
  const run = await readSyncRun(tx, runId);
  const before = integration.modules.includes('alerts') ? await usageByAccount(tx, id) : undefined;
  const figures = { ...run.figures, ...(await applyUsage(tx, id, runId, run.guard?.heldPairs ?? [])) };
  if (before) await deriveUsageZero(tx, integration, before);
  await updateRun(tx, runId, { state: 'applied', figures });
  const superseded = await supersede(tx, run);
  await recomputeIntegration(tx, id);
  await settlePushed(tx, id, runId);
  await dropStaged(tx, runId);
  const toWake = await advanceCounted(tx, integration);
  const { incomplete } = run;
  const after = { figures, superseded, ...(incomplete ? { incomplete } : {}) };
  await audit(tx, actor, { action: 'sync.applied', subjectKind: 'sync_run', subjectId: runId, after });
  return { toWake };
};

/** Closes the run, applied or held, and completes the steps that waited for it. */
export const closeRun: Command<Run> = async (tx, _actor, { integration, runId }) => {
  const run = await readSyncRun(tx, runId);
  const held = run.state === 'running';
  if (held) await supersede(tx, run);
  await updateRun(tx, runId, { ...(held ? { state: 'held' as const } : {}), finished: true });
  const processRef = { kind: 'sync' as const, id: integration.id };
  // Who waits for a held run shows what it waits for.
  return { toWake: await (held ? listWaiters(tx, processRef) : satisfyNeeds(tx, processRef, run.startedAt)) };
};

/**
 * Supersedes the held runs that are older than this run. An incomplete run supersedes none: a held run that was whole has
 * more information.
 *
 * @returns their ids
 */
async function supersede(tx: Transaction, run: SyncRunRow): Promise<string[]> {
  const superseded = run.incomplete ? [] : await supersedeHeldRuns(tx, run.integrationId, run.startedAt);
  for (const id of superseded) await dropStaged(tx, id);
  return superseded;
}
