/** Signs cards off: exactly what was seen is approved, and each card is written once (invariant 5). */
import { approvalProcess, type Wakeable } from '../domain/process/ids.ts';
import type { Transaction } from '../db/client.ts';
import {
  beginBatch,
  closeDoneTodos,
  findApproval,
  findApprovalLine,
  insertBatch,
  withdrawTodos,
  type ApprovalBatchRow,
  type ApprovalLineRow,
} from '../db/queries/approvals.ts';
import { listSkippedByName, type SkippedRow } from '../db/queries/approvalSkipped.ts';
import { findPreview, noteSignedOff, storePreview, type PreviewRow } from '../db/queries/approvalPreviews.ts';
import { lockPsaConnection, type PsaConnectionRow } from '../db/queries/psaConnection.ts';
import {
  judgeCards,
  judgePreview,
  judgeUndo,
  listConnectionsOfCards,
  replaceTodos,
  storeSignOff,
  viewUndo,
  type SeenCard,
  type Undo,
} from '../db/queries/signOff.ts';
import type { PreviewFilter } from '../db/schema/index.ts';
import { previewLifeMs, describeSkipped } from '../domain/approval.ts';
import { audit, type Actor, type Command } from './actor.ts';
import { Refusal, type RefusalKind } from './refusal.ts';
import { versionOf } from './seen.ts';

/**
 * The most lines that an audit row names. For more lines it has only their number: the approval keeps them and shows
 * them.
 */
const namedInAudit = 100;
/** The most left-out cards that a refusal names. */
const namedInRefusal = 5;

interface ApprovalChange {
  batch: ApprovalBatchRow;
  /** The process to wake after the commit; empty when the approval is a to-do list. */
  toWake: Wakeable[];
}

/**
 * Stores the writes that approving in bulk would make, so that a person can look at them and then sign them off by the
 * preview's id.
 *
 * @throws Refusal for a connection that the organization does not have
 */
export const previewApproval: Command<
  { psaConnectionId: string; filter: PreviewFilter },
  { preview: PreviewRow }
> = async (tx, actor, input) => {
  const connection = await lockedConnection(tx, actor, input.psaConnectionId);
  const preview = await storePreview(tx, actor.organizationId, {
    psaConnectionId: connection.id,
    filter: input.filter,
    requestedBy: actor.name,
    lifeMs: previewLifeMs,
  });
  const { cards, money, leftOut } = preview;
  const { cardIds, ...filter } = input.filter;
  const selected = cardIds && (cardIds.length > namedInAudit ? cardIds.length : cardIds);
  const after = { psaConnectionId: connection.id, filter: { ...filter, cardIds: selected }, cards, money, leftOut };
  await audit(tx, actor, { action: 'approval.preview', subjectKind: 'approval_preview', subjectId: preview.id, after });
  return { preview, toWake: [] };
};

/** @throws Refusal when the person was told that the PSA is written to, or that it is not, and that is no longer so */
function refuseOtherWriting({ name, writesEnabled }: PsaConnectionRow, told: boolean | undefined): void {
  if (told === undefined || told === writesEnabled) return;
  throw new Refusal(
    'conflict',
    'changed-meanwhile',
    `Writing to ${name} was turned ${writesEnabled ? 'on' : 'off'} meanwhile, so approving does something else than you were shown. Nothing was approved. Look at it again.`,
  );
}

/**
 * Signs cards off as they were seen: each of `cards` by the numbers that it showed, or all cards of a preview. A card
 * that shows other numbers now is left out, and the answer gives both numbers.
 *
 * @param input.writesEnabled whether the person was told that it is written to the PSA; absent = it is as the connection is set now
 * @throws Refusal when no card is left, when the preview does not exist or was signed off before, or when writing was turned on
 *   or off since the person was told
 */
export const signOff: Command<
  ({ cards: readonly SeenCard[] } | { previewId: string }) & { writesEnabled?: boolean | undefined },
  { batch: ApprovalBatchRow }
> = async (tx, actor, input) => {
  const nothing = { kind: 'impossible', code: 'nothing-to-approve', words: 'There is no card to approve.' } as const;
  if ('cards' in input) {
    const connection = await lockedConnection(tx, actor, await connectionOf(tx, actor, input.cards));
    refuseOtherWriting(connection, input.writesEnabled);
    return store(tx, actor, connection, judgeCards(connection.id, input.cards), {
      nothing,
      seen: input.cards.length > namedInAudit ? {} : { seen: input.cards },
    });
  }
  const { previewId } = input;
  const { psaConnectionId } = await ownPreview(tx, actor, previewId);
  const connection = await lockedConnection(tx, actor, psaConnectionId);
  refuseOtherWriting(connection, input.writesEnabled);
  // The preview is read under the lock: of two people who sign it off at once, the second one gets a refusal.
  const { approvalId, cards } = await ownPreview(tx, actor, previewId);
  if (approvalId)
    throw new Refusal(
      'conflict',
      'preview-signed-off',
      'These changes were approved already. Look at what became of them.',
    );
  const signed = await store(tx, actor, connection, judgePreview(connection.id, previewId), {
    nothing,
    previewId,
    seen: { previewId, cards },
  });
  await noteSignedOff(tx, previewId, signed.batch.id);
  return signed;
};

/** The version of what an undo would do: which lines it would write, and whether it would write or only list them. */
export const undoVersion = ({ fingerprint }: Pick<Undo, 'fingerprint'>, writesEnabled: boolean): string =>
  versionOf([fingerprint, writesEnabled]);

/**
 * Undoes an approval by signing off the old quantities of the lines that it wrote, where the PSA still holds the
 * written quantity and has not billed it.
 *
 * @param input.lineId Countersign's id of the only line to undo, so that the others stay; absent = all lines
 * @param input.seen the version of what the person was shown; absent = whatever can be undone now is undone
 * @throws Refusal while the approval is at work, when nothing is left to undo, or when something else than what was seen
 *   would be undone
 */
export const undoApproval: Command<
  { id: string; lineId?: string | undefined; seen?: string | undefined },
  { batch: ApprovalBatchRow }
> = async (tx, actor, input) => {
  const original = await ownApproval(tx, actor, input.id);
  const only = input.lineId === undefined ? undefined : (await ownLine(tx, original, input.lineId)).id;
  if (original.state === 'requested')
    throw new Refusal('conflict', 'not-closed', 'The approval is still at work; undo it when it is closed.');
  const connection = await lockedConnection(tx, actor, original.psaConnectionId);
  if (input.seen !== undefined) {
    // Under the lock, so that what is compared is what is then stored.
    const undo = await viewUndo(tx, original, { only, limit: 0 });
    if (input.seen !== undoVersion(undo, connection.writesEnabled))
      throw new Refusal(
        'conflict',
        'changed-meanwhile',
        `Something else than you have seen would be undone now: ${undo.lines} lines. Nothing was changed. Look at it again.`,
      );
  }
  const words = `The ${only === undefined ? 'approval' : 'line'} wrote nothing, so there is nothing to undo.`;
  return store(tx, actor, connection, judgeUndo(connection.id, original.id, only), {
    nothing: { kind: 'conflict', code: 'nothing-to-undo', words },
    undoOf: original.id,
    seen: { undoOf: original.id, ...(only === undefined ? {} : { lineId: only }) },
  });
};

/**
 * Withdraws to-dos: all of an approval, or one of its lines. A withdrawn to-do blocks nothing and waits for nothing.
 *
 * @param input.lineId Countersign's id of the line, not the PSA's
 * @throws Refusal when the approval or line is not a to-do (any more)
 */
export const withdraw: Command<{ id: string; lineId?: string }, { batch: ApprovalBatchRow }> = async (
  tx,
  actor,
  input,
) => {
  const batch = await ownApproval(tx, actor, input.id);
  await lockedConnection(tx, actor, batch.psaConnectionId);
  if (input.lineId !== undefined) {
    const line = await ownLine(tx, batch, input.lineId);
    if (line.state !== 'todo')
      throw new Refusal('conflict', 'not-a-todo', `Only a to-do can be withdrawn; this line is ${line.state}.`);
  }
  const { lines, named } = await withdrawTodos(tx, batch.id, input.lineId, namedInAudit);
  if (lines === 0) throw new Refusal('conflict', 'not-a-todo', 'The approval has no to-do to withdraw.');
  await closeDoneTodos(tx, batch.psaConnectionId);
  const after = await ownApproval(tx, actor, batch.id);
  await audit(tx, actor, {
    action: 'approval.withdraw',
    subjectKind: 'approval',
    subjectId: batch.id,
    before: { state: batch.state, todo: lines },
    after: { state: after.state, withdrawn: lines, ...(lines > namedInAudit ? {} : { lines: named }) },
  });
  return { batch: after, toWake: [] };
};

async function store(
  tx: Transaction,
  actor: Actor,
  connection: PsaConnectionRow,
  judged: Parameters<typeof storeSignOff>[2],
  of: {
    nothing: { kind: RefusalKind; code: string; words: string };
    previewId?: string;
    undoOf?: string;
    seen: object;
  },
): Promise<ApprovalChange> {
  const { nothing, seen, ...from } = of;
  const { organizationId } = actor;
  const stored = await insertBatch(tx, organizationId, {
    ...from,
    psaConnectionId: connection.id,
    requestedBy: actor.name,
    writesEnabled: connection.writesEnabled,
  });
  const state = connection.writesEnabled ? 'requested' : 'todo';
  const leavesZero = connection.settings.zero === 'todo';
  const { lines, skipped } = await storeSignOff(tx, { ...stored, state, leavesZero }, judged);
  // The refusal rolls back the batch together with its list of left-out cards, so the refusal's text names those cards.
  if (lines === 0)
    throw new Refusal(nothing.kind, nothing.code, await describeNothingToSign(tx, stored.id, skipped, nothing.words));
  const batch = await beginBatch(tx, stored);
  const action = from.undoOf ? 'approval.undo' : 'approval.create';
  const after = { lines, skipped, ...seen };
  await audit(tx, actor, { action, subjectKind: 'approval', subjectId: batch.id, after });
  await replace(tx, actor, batch);
  return { batch, toWake: batch.state === 'requested' ? [approvalProcess(batch)] : [] };
}

/** Replaces older to-dos of the lines that are signed off anew: the newer sign-off is the one that the person wants. */
async function replace(tx: Transaction, actor: Actor, batch: ApprovalBatchRow): Promise<void> {
  const replaced = await replaceTodos(tx, batch);
  if (replaced.length === 0) return;
  const closed = new Set(await closeDoneTodos(tx, batch.psaConnectionId));
  await audit(
    tx,
    actor,
    replaced.map(({ batchId, lines }) => ({
      action: 'approval.replace',
      subjectKind: 'approval',
      subjectId: batchId,
      before: { todo: lines },
      after: { replaced: lines, by: batch.id, ...(closed.has(batchId) ? { state: 'closed' } : {}) },
    })),
  );
}

async function describeNothingToSign(tx: Transaction, batchId: string, total: number, none: string): Promise<string> {
  const rows = await listSkippedByName(tx, batchId, namedInRefusal);
  const [only] = rows;
  if (!only) return none;
  if (total === 1) return describeSkipped(skippedOf(only.skipped));
  const named = rows
    .map(({ skipped, name }) => `${name ?? 'A card'}: ${describeSkipped(skippedOf(skipped))}`)
    .join(' ');
  const rest = total > rows.length ? ` And ${total - rows.length} more.` : '';
  return `Nothing was approved: none of the ${total} cards can be, as it was shown. ${named}${rest}`;
}

/** Returns a left-out card in the domain's terms. */
export function skippedOf(row: Omit<SkippedRow, 'batchId' | 'position' | 'psaAccountId' | 'psaProductId'>) {
  const { cardId, reason, words } = row;
  const asked = { lineId: row.askedLineId, from: row.askedFrom, to: row.askedTo, effectiveDate: row.askedDate };
  const now =
    reason === 'gone' ? null : { lineId: row.nowLineId, from: row.nowFrom, to: row.nowTo, effectiveDate: row.nowDate };
  return { cardId, reason, words, asked, now };
}

async function connectionOf(tx: Transaction, actor: Actor, cards: readonly SeenCard[]): Promise<string> {
  const ids = cards.map((card) => card.cardId);
  const [psaConnectionId, ...others] = await listConnectionsOfCards(tx, actor.organizationId, ids);
  if (psaConnectionId === undefined)
    throw new Refusal('impossible', 'unknown-cards', 'None of these cards is there any more. Nothing was approved.');
  if (others.length > 0)
    throw new Refusal('impossible', 'several-connections', 'Approve the cards of one PSA connection at a time.');
  return psaConnectionId;
}

async function lockedConnection(tx: Transaction, actor: Actor, id: string): Promise<PsaConnectionRow> {
  const connection = await lockPsaConnection(tx, actor.organizationId, id);
  if (!connection) throw new Refusal('unknown', 'not-found', 'There is no such PSA connection.');
  return connection;
}

async function ownApproval(tx: Transaction, actor: Actor, id: string): Promise<ApprovalBatchRow> {
  const approval = await findApproval(tx, actor.organizationId, id);
  if (!approval) throw new Refusal('unknown', 'not-found', 'There is no such approval.');
  return approval;
}

async function ownLine(tx: Transaction, { id }: ApprovalBatchRow, lineId: string): Promise<ApprovalLineRow> {
  const line = await findApprovalLine(tx, id, lineId);
  if (!line) throw new Refusal('unknown', 'not-found', 'There is no such line in this approval.');
  return line;
}

async function ownPreview(tx: Transaction, actor: Actor, id: string): Promise<PreviewRow> {
  const preview = await findPreview(tx, actor.organizationId, id);
  if (preview) return preview;
  const hours = previewLifeMs / 3_600_000;
  throw new Refusal(
    'unknown',
    'not-found',
    `There is no such preview: one is kept for ${hours} hours. Make a new one.`,
  );
}
