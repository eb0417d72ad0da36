/** Signed-off writes. The claim and every outcome are one statement each, guarded by the state they change. */
import { and, asc, eq, inArray, or, sql } from 'drizzle-orm';
import type { Database, Queryable, Transaction } from '../client.ts';
import { agreementLine, approvalBatch, approvalLine, type ApprovalLineState } from '../schema/index.ts';
import { byCountersign, recordAudit } from './audit.ts';
import { recomputeCards } from './cards.ts';
import { createProcess, startRound } from './process.ts';
import { setLineQuantity } from './psa.ts';

export type ApprovalLineRow = typeof approvalLine.$inferSelect;
export type ApprovalBatchRow = typeof approvalBatch.$inferSelect;

export type LineOutcome =
  | { state: 'applied' | 'already'; quantity: number; version: string }
  | { state: 'conflict'; quantity?: number; version?: string; problem: { code: string; detail: string } }
  | { state: 'rejected' | 'uncertain'; problem: { code: string; detail: string } };

export type NewApprovalLine = Pick<
  ApprovalLineRow,
  | 'cardId'
  | 'psaAccountId'
  | 'psaProductId'
  | 'agreementId'
  | 'lineId'
  | 'expectedQuantity'
  | 'expectedVersion'
  | 'target'
  | 'nextInvoiceDate'
>;

/**
 * Stores a batch with its lines and audit row. With writing on, its `approveUsage` process begins; with writing off it
 * is a to-do list that the next PSA read verifies.
 */
export async function createApproval(
  tx: Transaction,
  organizationId: string,
  batch: {
    psaConnectionId: string;
    requestedBy: string;
    writesEnabled: boolean;
    undoOf?: string;
    lines: readonly NewApprovalLine[];
  },
): Promise<ApprovalBatchRow> {
  const [created] = await tx
    .insert(approvalBatch)
    .values({
      organizationId,
      psaConnectionId: batch.psaConnectionId,
      requestedBy: batch.requestedBy,
      undoOf: batch.undoOf ?? null,
      state: batch.writesEnabled ? 'requested' : 'todo',
    })
    .returning();
  if (!created) throw new Error('The approval was not stored.');
  for (let at = 0; at < batch.lines.length; at += 500) {
    await tx.insert(approvalLine).values(
      batch.lines.slice(at, at + 500).map((line, index) => ({
        ...line,
        batchId: created.id,
        position: at + index,
        state: batch.writesEnabled ? ('intended' as const) : ('todo' as const),
      })),
    );
  }
  if (batch.writesEnabled) {
    await createProcess(tx, organizationId, { kind: 'approveUsage', id: created.id });
    await startRound(tx, { kind: 'approveUsage', id: created.id, round: '1' });
  }
  await recordAudit(tx, organizationId, {
    actor: batch.requestedBy,
    action: batch.undoOf ? 'approval.undo' : 'approval.create',
    subjectKind: 'approval',
    subjectId: created.id,
    after: {
      lines: batch.lines.map((line) => ({ lineId: line.lineId, from: line.expectedQuantity, to: line.target })),
    },
  });
  return created;
}

export async function findApproval(
  db: Queryable,
  organizationId: string,
  id: string,
): Promise<ApprovalBatchRow | undefined> {
  const [row] = await db
    .select()
    .from(approvalBatch)
    .where(and(eq(approvalBatch.organizationId, organizationId), eq(approvalBatch.id, id)));
  return row;
}

/** For activities, which hold the id of their own process only. */
export async function readBatch(db: Queryable, id: string): Promise<ApprovalBatchRow> {
  const [row] = await db.select().from(approvalBatch).where(eq(approvalBatch.id, id));
  if (!row) throw new Error(`There is no approval ${id}.`);
  return row;
}

export async function listApprovalLines(db: Queryable, batchId: string): Promise<ApprovalLineRow[]> {
  return db.select().from(approvalLine).where(eq(approvalLine.batchId, batchId)).orderBy(asc(approvalLine.position));
}

const openStates: ApprovalLineState[] = ['intended', 'writing', 'uncertain', 'todo'];

/**
 * Which of these cards and lines of a connection have a write under way: neither is signed off a second time meanwhile.
 * Ask with the connection locked (`lockPsaConnection`), or two approvals at once both find none.
 */
export async function listOpenWrites(
  tx: Transaction,
  psaConnectionId: string,
  asked: { cardIds: readonly string[]; lineIds: readonly string[] },
): Promise<{ cardId: string; lineId: string }[]> {
  return tx
    .select({ cardId: approvalLine.cardId, lineId: approvalLine.lineId })
    .from(approvalLine)
    .innerJoin(approvalBatch, eq(approvalBatch.id, approvalLine.batchId))
    .where(
      and(
        eq(approvalBatch.psaConnectionId, psaConnectionId),
        inArray(approvalLine.state, openStates),
        or(inArray(approvalLine.cardId, [...asked.cardIds]), inArray(approvalLine.lineId, [...asked.lineIds])),
      ),
    );
}

/** Ids of a connection's batches that are still at work. */
export async function listBatchesAtWork(db: Queryable, psaConnectionId: string): Promise<string[]> {
  const rows = await db
    .select({ id: approvalBatch.id })
    .from(approvalBatch)
    .where(and(eq(approvalBatch.psaConnectionId, psaConnectionId), eq(approvalBatch.state, 'requested')));
  return rows.map((row) => row.id);
}

export async function listIntendedLines(db: Queryable, batchId: string, limit: number): Promise<ApprovalLineRow[]> {
  return db
    .select()
    .from(approvalLine)
    .where(and(eq(approvalLine.batchId, batchId), eq(approvalLine.state, 'intended')))
    .orderBy(asc(approvalLine.position))
    .limit(limit);
}

/**
 * Lines whose write may or may not have happened: `uncertain`, or still `writing` because their writer died.
 *
 * @param settleAfterMs milliseconds after the claim from which a re-read is final
 * @returns soonest first, with the milliseconds left, measured by the database's clock
 */
export async function listUncertainLines(
  db: Queryable,
  batchId: string,
  settleAfterMs: number,
): Promise<(ApprovalLineRow & { settleInMs: number })[]> {
  const settleInMs = sql<number>`(extract(epoch from ${approvalLine.claimedAt} - now()) * 1000 + ${settleAfterMs})::float8`;
  const rows = await db
    .select({ line: approvalLine, settleInMs })
    .from(approvalLine)
    .where(and(eq(approvalLine.batchId, batchId), inArray(approvalLine.state, ['writing', 'uncertain'])))
    .orderBy(asc(approvalLine.claimedAt));
  return rows.map((row) => ({ ...row.line, settleInMs: row.settleInMs }));
}

/**
 * Claims a line for one write: only the caller that gets it back may write. A line moves on only from exactly the state
 * and number of claims that the caller saw, so that two callers cannot both get it.
 */
export async function claimLine(db: Queryable, line: ApprovalLineRow): Promise<ApprovalLineRow | undefined> {
  const [claimed] = await db
    .update(approvalLine)
    .set({ state: 'writing', claims: line.claims + 1, claimedAt: sql`now()` })
    .where(
      and(
        eq(approvalLine.id, line.id),
        eq(approvalLine.claims, line.claims),
        inArray(approvalLine.state, openState(line.state)),
      ),
    )
    .returning();
  return claimed;
}

const openState = (state: ApprovalLineState): ApprovalLineState[] =>
  state === 'intended' ? ['intended'] : ['writing', 'uncertain'];

/** The claimer knows that nothing was sent: the line is again as it was `before` the claim. */
export async function releaseClaim(db: Queryable, before: ApprovalLineRow, claimed: ApprovalLineRow): Promise<void> {
  await db
    .update(approvalLine)
    .set({
      state: before.state === 'writing' ? 'uncertain' : before.state,
      claims: before.claims,
      claimedAt: before.claimedAt,
    })
    .where(
      and(eq(approvalLine.id, claimed.id), eq(approvalLine.claims, claimed.claims), eq(approvalLine.state, 'writing')),
    );
}

/** Records what became of a line; what the PSA holds now goes into its line and card in the same transaction. */
export async function recordOutcome(
  db: Database,
  psaConnectionId: string,
  line: ApprovalLineRow,
  outcome: LineOutcome,
): Promise<void> {
  await db.transaction(async (tx) => {
    const settled = outcome.state !== 'uncertain';
    const recorded = await tx
      .update(approvalLine)
      .set({
        state: outcome.state,
        settledAt: settled ? sql`now()` : null,
        problem: 'problem' in outcome ? outcome.problem : null,
      })
      .where(
        and(
          eq(approvalLine.id, line.id),
          eq(approvalLine.claims, line.claims),
          inArray(approvalLine.state, ['writing', 'uncertain']),
        ),
      )
      .returning({ id: approvalLine.id });
    if (recorded.length === 0 || !settled) return;
    if ('quantity' in outcome && outcome.quantity !== undefined && outcome.version !== undefined) {
      await setLineQuantity(tx, psaConnectionId, {
        id: line.lineId,
        quantity: outcome.quantity,
        version: outcome.version,
      });
      await recomputeCards(tx, psaConnectionId, [line.psaAccountId]);
    }
    const batch = await readBatch(tx, line.batchId);
    await recordAudit(tx, batch.organizationId, {
      actor: batch.requestedBy,
      action: `approval.${outcome.state}`,
      subjectKind: 'agreement_line',
      subjectId: line.lineId,
      before: { quantity: line.expectedQuantity },
      after: 'quantity' in outcome ? { quantity: outcome.quantity } : { problem: outcome.problem.code },
    });
  });
}

export async function closeBatch(tx: Transaction, id: string): Promise<void> {
  await tx
    .update(approvalBatch)
    .set({ state: 'closed', closedAt: sql`now()` })
    .where(eq(approvalBatch.id, id));
}

/** To-do lines that the PSA now holds at their target are verified; a batch whose lines all are is closed. */
export async function verifyTodoLines(tx: Transaction, psaConnectionId: string): Promise<void> {
  const verified = await tx
    .update(approvalLine)
    .set({ state: 'verified', settledAt: sql`now()` })
    .from(approvalBatch)
    .innerJoin(agreementLine, eq(agreementLine.psaConnectionId, approvalBatch.psaConnectionId))
    .where(
      and(
        eq(approvalLine.batchId, approvalBatch.id),
        eq(approvalBatch.psaConnectionId, psaConnectionId),
        eq(approvalLine.state, 'todo'),
        eq(agreementLine.id, approvalLine.lineId),
        eq(agreementLine.quantity, approvalLine.target),
      ),
    )
    .returning({
      lineId: approvalLine.lineId,
      organizationId: approvalBatch.organizationId,
      target: approvalLine.target,
    });
  for (const line of verified) {
    await recordAudit(tx, line.organizationId, {
      actor: byCountersign,
      action: 'approval.verified',
      subjectKind: 'agreement_line',
      subjectId: line.lineId,
      after: { quantity: line.target },
    });
  }
  await tx
    .update(approvalBatch)
    .set({ state: 'closed', closedAt: sql`now()` })
    .where(
      and(
        eq(approvalBatch.psaConnectionId, psaConnectionId),
        eq(approvalBatch.state, 'todo'),
        sql`not exists (select from approval_line l where l.batch_id = ${approvalBatch.id} and l.state = 'todo')`,
      ),
    );
}
