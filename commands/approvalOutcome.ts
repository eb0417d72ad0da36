/** What becomes of signed-off lines, and of the approval that they belong to (invariant 5). */
import {
  closeDoneTodos,
  countLines,
  moveBatch,
  storeOutcome,
  turnIntoTodos,
  verifyTodoLines,
  type ApprovalLineRow,
  type LineOutcome,
} from '../db/queries/approvals.ts';
import { recomputeCards } from '../db/queries/cards.ts';
import { commitFact, reopenSteps } from '../db/queries/process.ts';
import { setLineQuantity } from '../db/queries/psa.ts';
import { approvalProcess } from '../domain/process/ids.ts';
import { approvalBatchMoves } from '../domain/transitions.ts';
import { audit, type Command } from './actor.ts';

/**
 * Records the outcome of a line, claimed or not; nothing changes when another caller has claimed the line meanwhile. The
 * quantity that the PSA holds now is stored in the agreement line and its card.
 */
export const recordOutcome: Command<{ psaConnectionId: string; line: ApprovalLineRow; outcome: LineOutcome }> = async (
  tx,
  actor,
  { psaConnectionId, line, outcome },
) => {
  if (!(await storeOutcome(tx, line, outcome)) || outcome.state === 'uncertain') return { toWake: [] };
  if ('quantity' in outcome && outcome.quantity !== undefined) {
    const { quantity, version } = outcome;
    await setLineQuantity(tx, psaConnectionId, { id: line.lineId, quantity, version });
    await recomputeCards(tx, psaConnectionId, [line.psaAccountId]);
  }
  await audit(tx, actor, {
    action: `approval.${outcome.state}`,
    subjectKind: 'agreement_line',
    subjectId: line.lineId,
    before: { quantity: line.from },
    after:
      'quantity' in outcome
        ? { quantity: outcome.quantity }
        : 'problem' in outcome
          ? { problem: outcome.problem.code }
          : { todo: line.to },
  });
  return { toWake: [] };
};

/**
 * Does an approval's steps again if one of its lines is neither written nor settled: a writer that was thought dead gave its
 * claim back late.
 *
 * @returns `resumed`: whether there was such a line
 */
export const resumeWriting: Command<{ id: string }, { resumed: boolean }> = async (tx, { organizationId }, { id }) => {
  const { intended = 0, writing = 0, uncertain = 0 } = await countLines(tx, id);
  if (intended + writing + uncertain === 0) return { resumed: false, toWake: [] };
  const processRef = approvalProcess({ id, organizationId });
  await reopenSteps(tx, { ...processRef, round: '1', steps: ['write', 'settle'] });
  await commitFact(tx, processRef);
  return { resumed: true, toWake: [processRef] };
};

/**
 * Closes an approval whose writing is over. If writing was turned off meanwhile, its to-dos keep it open as a to-do list.
 */
export const closeApproval: Command<{ id: string }> = async (tx, actor, { id }) => {
  const { todo = 0 } = await countLines(tx, id);
  const move = todo > 0 ? approvalBatchMoves.leaveTodos : approvalBatchMoves.close;
  if (await moveBatch(tx, id, move)) {
    const moved = { before: { state: 'requested' }, after: { state: move.to, ...(todo > 0 ? { todo } : {}) } };
    await audit(tx, actor, { action: 'approval.close', subjectKind: 'approval', subjectId: id, ...moved });
  }
  return { toWake: [] };
};

/**
 * Stops writing: lines that are not written yet become a to-do list, which the next read of the PSA verifies. A line
 * whose write is on its way to the PSA at this moment is still written. Turning writing on again writes none of these
 * lines, because nobody has reviewed the numbers at that later moment.
 *
 * @param input.batchId only the lines of this approval; absent = of all approvals of the connection
 */
export const stopWriting: Command<{ psaConnectionId: string; batchId?: string }> = async (tx, actor, input) => {
  const stopped = await turnIntoTodos(tx, input);
  await audit(
    tx,
    actor,
    stopped.map(({ batchId, lines }) => ({
      action: 'approval.stop',
      subjectKind: 'approval',
      subjectId: batchId,
      before: { intended: lines },
      after: { todo: lines },
    })),
  );
  return { toWake: [] };
};

/** Verifies the to-dos whose target the PSA holds now, and closes the to-do lists that have no to-do left. */
export const verifyTodos: Command<{ psaConnectionId: string }> = async (tx, actor, { psaConnectionId }) => {
  const verified = await verifyTodoLines(tx, psaConnectionId);
  const closed = await closeDoneTodos(tx, psaConnectionId);
  await audit(tx, actor, [
    ...verified.map(({ lineId, from, to }) => ({
      action: 'approval.verified',
      subjectKind: 'agreement_line',
      subjectId: lineId,
      before: { quantity: from },
      after: { quantity: to },
    })),
    ...closed.map((subjectId) => ({
      action: 'approval.close',
      subjectKind: 'approval',
      subjectId,
      before: { state: 'todo' },
      after: { state: 'closed' },
    })),
  ]);
  return { toWake: [] };
};
