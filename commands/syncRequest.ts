/** Requests a sync, and decides about a held run. */
import type { IntegrationRow } from '../db/queries/integration.ts';
import { commitFact } from '../db/queries/process.ts';
import { isStepDone } from '../db/queries/processView.ts';
import { settlePushed } from '../db/queries/push.ts';
import { dropStaged } from '../db/queries/staging.ts';
import { discardRun as storeDiscarded, insertSyncRequest, type SyncRunRow } from '../db/queries/sync.ts';
import { connectProcess, syncProcess } from '../domain/process/ids.ts';
import { audit, type Command } from './actor.ts';
import { Refusal } from './refusal.ts';

/**
 * Asks for a sync; all open requests become one run.
 *
 * @throws Refusal while the integration is still being connected
 */
export const requestSync: Command<{ integration: IntegrationRow }> = async (tx, actor, { integration }) => {
  if (!(await isStepDone(tx, connectProcess(integration), 'finish')))
    throw new Refusal(
      'conflict',
      'not-finished',
      'The integration is not set up yet. Finish connecting it first; the first sync then starts by itself.',
    );
  const processRef = syncProcess(integration);
  await insertSyncRequest(tx, integration.id, { requestedBy: actor.name });
  await commitFact(tx, processRef);
  await audit(tx, actor, { action: 'sync.request', subjectKind: 'integration', subjectId: integration.id });
  return { toWake: [processRef] };
};

/**
 * Asks for a held run to be applied as it is.
 *
 * @throws Refusal when the run is not held
 */
export const releaseRun: Command<{ run: SyncRunRow }> = async (tx, actor, { run }) => {
  refuseUnlessHeld(run);
  const processRef = syncProcess({ id: run.integrationId, organizationId: actor.organizationId });
  const once = { releaseRunId: run.id, onceKey: `release/${run.id}` };
  await insertSyncRequest(tx, run.integrationId, { requestedBy: actor.name, ...once });
  await commitFact(tx, processRef);
  await audit(tx, actor, { action: 'sync.release', subjectKind: 'sync_run', subjectId: run.id });
  return { toWake: [processRef] };
};

/**
 * Discards a held run.
 *
 * @throws Refusal when the run is not held (any more)
 */
export const discardRun: Command<{ run: SyncRunRow }> = async (tx, actor, { run }) => {
  refuseUnlessHeld(run);
  if (!(await storeDiscarded(tx, run.id))) throw new Refusal('conflict', 'not-held', 'The run is no longer held.');
  // The run's posted counts are settled with it: the next run does not stage them again.
  await settlePushed(tx, run.integrationId, run.id);
  await dropStaged(tx, run.id);
  // The process rests because of the held run: it looks again, and ends.
  const processRef = syncProcess({ id: run.integrationId, organizationId: actor.organizationId });
  await commitFact(tx, processRef);
  await audit(tx, actor, { action: 'sync.discard', subjectKind: 'sync_run', subjectId: run.id });
  return { toWake: [processRef] };
};

function refuseUnlessHeld({ state }: SyncRunRow): void {
  if (state !== 'held')
    throw new Refusal('conflict', 'not-held', `The run is ${state}; only a held one can be released or discarded.`);
}
