/** Makes what was read from a PSA visible. */
import { recomputeConnection } from '../db/queries/cards.ts';
import { satisfyNeeds } from '../db/queries/processNeed.ts';
import { applyPsaRows } from '../db/queries/psa.ts';
import { closeRefresh } from '../db/queries/psaConnection.ts';
import { audit, type Command } from './actor.ts';
import { verifyTodos } from './approvalOutcome.ts';
import { askToMatch } from './onboarding.ts';

/** Makes a refresh visible, recomputes the cards, and completes the steps that waited for the refresh (invariant 1). */
export const applyRefresh: Command<{ psaConnectionId: string; refreshId: string }> = async (
  tx,
  actor,
  { psaConnectionId, refreshId },
) => {
  const figures = await applyPsaRows(tx, psaConnectionId, refreshId);
  const startedAt = await closeRefresh(tx, refreshId, figures);
  await recomputeConnection(tx, psaConnectionId);
  await verifyTodos(tx, actor, { psaConnectionId });
  const subject = { subjectKind: 'psa_connection', subjectId: psaConnectionId };
  await audit(tx, actor, { action: 'psa.refreshed', ...subject, after: figures });
  const waiters = await satisfyNeeds(tx, { kind: 'refreshPsa', id: psaConnectionId }, startedAt);
  return { toWake: [...waiters, ...(await askToMatch(tx, { psaConnectionId }))] };
};
