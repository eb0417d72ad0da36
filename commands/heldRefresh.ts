/** Releases or discards a refresh that has lost too many rows (invariant 3). */
import type { Transaction } from '../db/client.ts';
import { commitFact } from '../db/queries/process.ts';
import { requestRefresh } from '../db/queries/psaConnection.ts';
import { discardRefresh, releaseRefresh, type RefreshRow } from '../db/queries/refreshGuard.ts';
import { refreshProcess } from '../domain/process/ids.ts';
import { audit, type Actor, type Command } from './actor.ts';
import { Refusal } from './refusal.ts';

type Held = { refresh: Pick<RefreshRow, 'id' | 'psaConnectionId' | 'guard'> };

/**
 * Makes a held refresh visible as it is.
 *
 * @throws Refusal when the refresh is not held (any more)
 */
export const releaseHeldRefresh: Command<Held> = async (tx, actor, { refresh }) => {
  if (!(await releaseRefresh(tx, refresh.id, actor.name))) throw notHeld();
  return decided(tx, actor, refresh, 'psaRefresh.release');
};

/**
 * Drops a held refresh, and reads the PSA anew.
 *
 * @throws Refusal when the refresh is not held (any more)
 */
export const discardHeldRefresh: Command<Held> = async (tx, actor, { refresh }) => {
  if (!(await discardRefresh(tx, refresh.id))) throw notHeld();
  await requestRefresh(tx, refresh.psaConnectionId);
  return decided(tx, actor, refresh, 'psaRefresh.discard');
};

async function decided(tx: Transaction, actor: Actor, { id, psaConnectionId, guard }: Held['refresh'], action: string) {
  const processRef = refreshProcess({ id: psaConnectionId, organizationId: actor.organizationId });
  await commitFact(tx, processRef);
  const after = { refreshId: id, guard };
  await audit(tx, actor, { action, subjectKind: 'psa_connection', subjectId: psaConnectionId, after });
  return { toWake: [processRef] };
}

const notHeld = () =>
  new Refusal('conflict', 'not-held', 'The refresh is not held; only a held one can be released or discarded.');
