/** A person says what became of a write of which Countersign cannot know it (invariant 5). */
import { findApproval, findApprovalLine, type ApprovalBatchRow, type LineOutcome } from '../db/queries/approvals.ts';
import { commitFact } from '../db/queries/process.ts';
import { lockPsaConnection, quantityDecimalsOf } from '../db/queries/psaConnection.ts';
import { approvalProcess } from '../domain/process/ids.ts';
import { sameQuantity } from '../domain/quantities.ts';
import { needsAnswer } from '../domain/settling.ts';
import type { Command } from './actor.ts';
import { recordOutcome } from './approvalOutcome.ts';
import { Refusal } from './refusal.ts';

/**
 * Settles a line by what the person saw in the PSA: its target → applied; the old quantity → it was not written; another →
 * conflict. The card then shows that quantity and may be approved anew.
 *
 * @param input.lineId Countersign's id of the line, not the PSA's
 * @param input.quantity what the PSA holds for the approval's period
 * @throws Refusal for a line of which no person was asked
 */
export const settleByHand: Command<
  { id: string; lineId: string; quantity: number },
  { batch: ApprovalBatchRow }
> = async (tx, actor, { id, lineId, quantity }) => {
  const batch = await findApproval(tx, actor.organizationId, id);
  if (!batch) throw new Refusal('unknown', 'not-found', 'There is no such approval.');
  const connection = await lockPsaConnection(tx, actor.organizationId, batch.psaConnectionId);
  const line = await findApprovalLine(tx, batch.id, lineId);
  if (!connection || !line) throw new Refusal('unknown', 'not-found', 'There is no such line in this approval.');
  if (line.state !== 'uncertain' || line.problem?.code !== needsAnswer) {
    const words = `Countersign does not ask what became of this line; it is ${line.state}.`;
    throw new Refusal('conflict', 'not-asked', words);
  }
  const { psaConnectionId } = batch;
  const outcome = outcomeOf(line, quantity, quantityDecimalsOf(connection));
  await recordOutcome(tx, actor, { psaConnectionId, line, outcome });
  const processRef = approvalProcess(batch);
  await commitFact(tx, processRef);
  return { batch, toWake: [processRef] };
};

function outcomeOf({ from, to }: { from: number; to: number }, quantity: number, decimals: number): LineOutcome {
  if (sameQuantity(quantity, to, decimals)) return { state: 'applied', quantity };
  const problem = sameQuantity(quantity, from, decimals)
    ? {
        code: 'not_written',
        detail: `A person saw in the PSA that it still holds ${quantity}. The card can be approved anew.`,
      }
    : {
        code: 'conflict',
        detail: `A person saw in the PSA that it holds ${quantity}. Review the card and approve again.`,
      };
  return { state: 'conflict', quantity, problem };
}
