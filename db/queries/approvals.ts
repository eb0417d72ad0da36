/** Signed-off writes. The claim and every outcome are one statement each, guarded by the state that it changes. */
import { and, asc, desc, eq, exists, gt, gte, inArray, isNull, lt, not, or, sql } from 'drizzle-orm';
import { groupBy } from '../../domain/groupBy.ts';
import { needsAnswer } from '../../domain/settling.ts';
import {
  approvalBatchMoves,
  approvalLineMoves,
  type ApprovalBatchState,
  type ApprovalLineState,
  type Move,
} from '../../domain/transitions.ts';
import type { Queryable, Transaction } from '../client.ts';
import { fromNow, inMilliseconds, milliseconds } from '../interval.ts';
import { agreementLine, approvalBatch, approvalLine, approvalSkipped, psaConnection } from '../schema/index.ts';
import { isOrBeginsWith } from './isOrBeginsWith.ts';
import { mayMove } from './mayMove.ts';
import { createProcess, startRound } from './process.ts';
import { keptBy } from './psaConnection.ts';

export type ApprovalLineRow = typeof approvalLine.$inferSelect;
export type ApprovalBatchRow = typeof approvalBatch.$inferSelect;

export type LineOutcome =
  /** Without a version it is a person who says so: the version that was read last stays. */
  | { state: 'applied' | 'already'; quantity: number; version?: string }
  | { state: 'conflict'; quantity?: number; version?: string; problem: { code: string; detail: string } }
  | { state: 'rejected' | 'uncertain'; problem: { code: string; detail: string } }
  /** The line was not written, and writing is off now. */
  | { state: 'todo' };

/** Stores a batch without its lines. With writing off it is a to-do list; with writing on, `beginBatch` says what it is. */
export async function insertBatch(
  tx: Transaction,
  organizationId: string,
  batch: { psaConnectionId: string; requestedBy: string; writesEnabled: boolean; undoOf?: string; previewId?: string },
): Promise<ApprovalBatchRow> {
  const { writesEnabled, ...row } = batch;
  const [created] = await tx
    .insert(approvalBatch)
    .values({ ...row, organizationId, state: writesEnabled ? 'requested' : 'todo' })
    .returning();
  if (!created) throw new Error('The approval was not stored.');
  return created;
}

/**
 * Begins the `approveUsage` process of a batch whose lines are stored. A batch without a line to write is a to-do list at once: no
 * process would be at work on it.
 */
export async function beginBatch(tx: Transaction, batch: ApprovalBatchRow): Promise<ApprovalBatchRow> {
  const { id, organizationId, state } = batch;
  if (state !== 'requested') return batch;
  const { intended = 0 } = await countLines(tx, id);
  if (intended === 0) {
    await moveBatch(tx, id, approvalBatchMoves.leaveTodos);
    return { ...batch, state: approvalBatchMoves.leaveTodos.to };
  }
  await createProcess(tx, organizationId, { kind: 'approveUsage', id });
  await startRound(tx, { kind: 'approveUsage', id, round: '1' });
  return batch;
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

/** Reads a batch by its id alone, for activities, which hold only the id of their own process. */
export async function readBatch(db: Queryable, id: string): Promise<ApprovalBatchRow> {
  const [row] = await db.select().from(approvalBatch).where(eq(approvalBatch.id, id));
  if (!row) throw new Error(`There is no approval ${id}.`);
  return row;
}

/** A page of a batch's lines, in the order in which they are written. */
export async function listApprovalLines(
  db: Queryable,
  batchId: string,
  page: { state?: ApprovalLineState | undefined; after?: number | undefined; limit: number },
): Promise<ApprovalLineRow[]> {
  return db
    .select()
    .from(approvalLine)
    .where(
      and(
        eq(approvalLine.batchId, batchId),
        page.state ? eq(approvalLine.state, page.state) : undefined,
        page.after === undefined ? undefined : gt(approvalLine.position, page.after),
      ),
    )
    .orderBy(asc(approvalLine.position))
    .limit(page.limit);
}

/** Counts a batch's lines by state; states without lines are absent. */
export async function countLines(db: Queryable, batchId: string): Promise<Partial<Record<ApprovalLineState, number>>> {
  const rows = await db
    .select({ state: approvalLine.state, lines: sql<number>`count(*)::int` })
    .from(approvalLine)
    .where(eq(approvalLine.batchId, batchId))
    .groupBy(approvalLine.state);
  return Object.fromEntries(rows.map((row) => [row.state, row.lines]));
}

/** What an approval is looked for by. */
export interface ApprovalFilter {
  psaConnectionId?: string | undefined;
  /** Approvals of a line that is fed by a service of this integration. */
  integrationId?: string | undefined;
  /** An actor of the audit. */
  by?: string | undefined;
  state?: ApprovalBatchState | undefined;
  begins?: Date | undefined;
  ends?: Date | undefined;
}

/** A page of approvals, newest first. @param page.before id of the last approval of the previous page */
export async function listApprovals(
  db: Queryable,
  organizationId: string,
  filter: ApprovalFilter,
  page: { before?: string | undefined; limit: number },
): Promise<ApprovalBatchRow[]> {
  const { psaConnectionId, integrationId, by, state, begins, ends } = filter;
  return db
    .select()
    .from(approvalBatch)
    .where(
      and(
        eq(approvalBatch.organizationId, organizationId),
        psaConnectionId === undefined ? undefined : eq(approvalBatch.psaConnectionId, psaConnectionId),
        by === undefined ? undefined : isOrBeginsWith(approvalBatch.requestedBy, by, ':'),
        state === undefined ? undefined : eq(approvalBatch.state, state),
        begins === undefined ? undefined : gte(approvalBatch.createdAt, begins),
        ends === undefined ? undefined : lt(approvalBatch.createdAt, ends),
        integrationId === undefined ? undefined : isFedBy(integrationId),
        page.before === undefined
          ? undefined
          : sql`(${approvalBatch.createdAt}, ${approvalBatch.id}) < (select b.created_at, b.id from approval_batch b where b.id = ${page.before})`,
      ),
    )
    .orderBy(desc(approvalBatch.createdAt), desc(approvalBatch.id))
    .limit(page.limit);
}

const isFedBy = (integrationId: string) => sql`exists (
  select from approval_line l
    join integration i on i.id = ${integrationId} and i.psa_connection_id = ${approvalBatch.psaConnectionId}
    join account_mapping a on a.integration_id = i.id and a.psa_account_id = l.psa_account_id
    join service_mapping s on s.integration_id = i.id and l.psa_product_id = any(s.product_ids)
   where l.batch_id = ${approvalBatch.id})`;

/** Counts the lines of many batches by state, and their left-out cards by reason, the most frequent reason first. */
export async function countOfMany(db: Queryable, batchIds: readonly string[]) {
  const lines = await db
    .select({ batchId: approvalLine.batchId, state: approvalLine.state, lines: sql<number>`count(*)::int` })
    .from(approvalLine)
    .where(inArray(approvalLine.batchId, [...batchIds]))
    .groupBy(approvalLine.batchId, approvalLine.state);
  const zeros = await db
    .select({ batchId: approvalLine.batchId, lines: sql<number>`count(*)::int` })
    .from(approvalLine)
    .innerJoin(approvalBatch, eq(approvalBatch.id, approvalLine.batchId))
    .innerJoin(psaConnection, eq(psaConnection.id, approvalBatch.psaConnectionId))
    .where(
      and(
        inArray(approvalLine.batchId, [...batchIds]),
        eq(approvalLine.state, 'todo'),
        eq(approvalLine.to, 0),
        sql`${psaConnection.settings} ->> 'zero' = 'todo'`,
      ),
    )
    .groupBy(approvalLine.batchId);
  const cards = sql<number>`count(*)::int`;
  const skipped = await db
    .select({ batchId: approvalSkipped.batchId, reason: approvalSkipped.reason, cards })
    .from(approvalSkipped)
    .where(inArray(approvalSkipped.batchId, [...batchIds]))
    .groupBy(approvalSkipped.batchId, approvalSkipped.reason)
    .orderBy(desc(cards), asc(approvalSkipped.reason));
  const linesOf = groupBy(lines, ({ batchId }) => batchId);
  const skippedOf = groupBy(skipped, ({ batchId }) => batchId);
  return (id: string) => ({
    lines: Object.fromEntries((linesOf.get(id) ?? []).map((row) => [row.state, row.lines])) as Partial<
      Record<ApprovalLineState, number>
    >,
    /** The to-dos that are left to a person because they go to 0. */
    zeros: zeros.find(({ batchId }) => batchId === id)?.lines ?? 0,
    skipped: (skippedOf.get(id) ?? []).map(({ reason, cards: count }) => ({ reason, cards: count })),
  });
}

/** Lists the ids of a connection's batches that are still being written. */
export async function listBatchesAtWork(db: Queryable, psaConnectionId: string): Promise<string[]> {
  const rows = await db
    .select({ id: approvalBatch.id })
    .from(approvalBatch)
    .where(and(eq(approvalBatch.psaConnectionId, psaConnectionId), eq(approvalBatch.state, 'requested')));
  return rows.map((row) => row.id);
}

/** Lists the next lines to write: lines never postponed, in their order, then postponed lines that are due again. */
export async function listIntendedLines(db: Queryable, batchId: string, limit: number): Promise<ApprovalLineRow[]> {
  const intended = and(eq(approvalLine.batchId, batchId), eq(approvalLine.state, 'intended'));
  const fresh = await db
    .select()
    .from(approvalLine)
    .where(and(intended, isNull(approvalLine.notBefore)))
    .orderBy(asc(approvalLine.position))
    .limit(limit);
  if (fresh.length === limit) return fresh;
  const due = await db
    .select()
    .from(approvalLine)
    .where(and(intended, sql`${approvalLine.notBefore} <= now()`))
    .orderBy(asc(approvalLine.notBefore), asc(approvalLine.position))
    .limit(limit - fresh.length);
  return [...fresh, ...due];
}

/**
 * Lines whose write may or may not have happened: `uncertain`, or still `writing` because their writer died.
 *
 * @param page.settleAfterMs milliseconds after the claim from which a re-read is final
 * @returns the lines, soonest final first, those last of which a person was asked; each with the milliseconds left, and those
 *   since it was claimed, measured by the database's clock
 */
export async function listUncertainLines(
  db: Queryable,
  batchId: string,
  page: { settleAfterMs: number; limit: number },
): Promise<(ApprovalLineRow & { settleInMs: number; sentForMs: number })[]> {
  const settleInMs = inMilliseconds<number>(
    sql`greatest(${approvalLine.claimedAt} + ${milliseconds(page.settleAfterMs)}, ${approvalLine.notBefore}) - now()`,
  );
  const sentForMs = inMilliseconds<number>(sql`now() - ${approvalLine.claimedAt}`);
  const isAsked = sql`coalesce(${approvalLine.problem} ->> 'code' = ${needsAnswer}, false)`;
  const rows = await db
    .select({ line: approvalLine, settleInMs, sentForMs })
    .from(approvalLine)
    .where(and(eq(approvalLine.batchId, batchId), mayMove(approvalLine.state, approvalLineMoves.claimAgain)))
    .orderBy(asc(isAsked), asc(settleInMs))
    .limit(page.limit);
  return rows.map(({ line, ...times }) => ({ ...line, ...times }));
}

/** Keeps a line whose write may or may not have happened, to be read again after so many milliseconds. */
export async function readLater(db: Queryable, line: ApprovalLineRow, ms: number): Promise<void> {
  await db
    .update(approvalLine)
    .set({ notBefore: fromNow(ms) })
    .where(and(isAsSeen(line), mayMove(approvalLine.state, approvalLineMoves.uncertain)));
}

/**
 * Claims a line for one write: only the caller that gets the line back may write it. The claim succeeds only while
 * writing is on and only if the line still has exactly the state and number of claims that the caller saw, so that two
 * callers cannot both get the line. A line that may have been sent is claimed again only where writes are absolute.
 */
export async function claimLine(db: Queryable, line: ApprovalLineRow): Promise<ApprovalLineRow | undefined> {
  const isSentOnce = line.state !== 'intended';
  const move = isSentOnce ? approvalLineMoves.claimAgain : approvalLineMoves.claim;
  const [claimed] = await db
    .update(approvalLine)
    .set({ state: move.to, claims: line.claims + 1, claimedAt: sql`now()` })
    .where(
      and(
        isAsSeen(line),
        mayMove(approvalLine.state, move),
        sql`(select c.writes_enabled and ${isSentOnce ? sql`coalesce(c.caps ->> 'writes', 'absolute') = 'absolute'` : sql`true`} from approval_batch b join psa_connection c on c.id = b.psa_connection_id
              where b.id = ${line.batchId})`,
      ),
    )
    .returning();
  return claimed;
}

/**
 * Undoes a claim whose caller knows that nothing was sent: the line is set back to its state `before` the claim.
 *
 * @param wait how many milliseconds the line waits at least before it is tried again, and why; absent = it may be
 *   tried at once
 */
export async function releaseClaim(
  db: Queryable,
  before: ApprovalLineRow,
  claimed: ApprovalLineRow,
  wait?: { ms: number; problem: { code: string; detail: string } },
): Promise<void> {
  const move = before.state === 'intended' ? approvalLineMoves.release : approvalLineMoves.releaseAgain;
  await db
    .update(approvalLine)
    .set({
      state: move.to,
      claims: before.claims,
      claimedAt: before.claimedAt,
      ...(wait ? { notBefore: fromNow(wait.ms), problem: wait.problem } : {}),
    })
    .where(and(isAsSeen(claimed), mayMove(approvalLine.state, move)));
}

/** The line was not claimed by anybody else since the caller read or claimed it. */
export const isAsSeen = ({ id, claims }: ApprovalLineRow) =>
  and(eq(approvalLine.id, id), eq(approvalLine.claims, claims));

/** Stores the outcome of a line, claimed or not. @returns false when another caller has claimed the line meanwhile */
export async function storeOutcome(tx: Queryable, line: ApprovalLineRow, outcome: LineOutcome): Promise<boolean> {
  const settled = outcome.state !== 'uncertain' && outcome.state !== 'todo';
  const recorded = await tx
    .update(approvalLine)
    .set({
      state: outcome.state,
      settledAt: settled ? sql`now()` : null,
      problem: 'problem' in outcome ? outcome.problem : null,
    })
    .where(and(isAsSeen(line), mayMove(approvalLine.state, approvalLineMoves[outcome.state])))
    .returning({ id: approvalLine.id });
  return recorded.length > 0;
}

/** Moves a batch to another state. @returns false when the batch was not in a state that this move starts from */
export async function moveBatch(tx: Queryable, id: string, move: Move<ApprovalBatchState>): Promise<boolean> {
  const moved = await tx
    .update(approvalBatch)
    .set({ state: move.to, closedAt: move.to === 'closed' ? sql`now()` : null })
    .where(and(eq(approvalBatch.id, id), mayMove(approvalBatch.state, move)))
    .returning({ id: approvalBatch.id });
  return moved.length > 0;
}

/**
 * Turns unwritten lines, of one batch or of all batches of a connection, into to-dos because writing was turned off.
 *
 * @returns how many lines became to-dos, by batch
 */
export async function turnIntoTodos(
  tx: Queryable,
  of: { psaConnectionId: string; batchId?: string },
): Promise<{ batchId: string; lines: number }[]> {
  const { rows } = await tx.execute<{ batchId: string; lines: number }>(sql`
    with stopped as (
      update approval_line l set state = ${approvalLineMoves.stop.to} from approval_batch b
       where b.id = l.batch_id and b.psa_connection_id = ${of.psaConnectionId} and b.state = 'requested'
         and ${of.batchId === undefined ? sql`true` : sql`b.id = ${of.batchId}`} and ${mayMove(sql`l.state`, approvalLineMoves.stop)}
      returning l.batch_id)
    select batch_id as "batchId", count(*)::int as lines from stopped group by 1`);
  return rows;
}

/**
 * Withdraws to-dos of a batch: all of them, or one line.
 *
 * @returns how many were withdrawn, and the first `max` of them
 */
export async function withdrawTodos(
  tx: Queryable,
  batchId: string,
  lineId: string | undefined,
  max: number,
): Promise<{ lines: number; named: { lineId: string; from: number; to: number }[] }> {
  const { rows } = await tx.execute<Awaited<ReturnType<typeof withdrawTodos>>>(sql`
    with withdrawn as (
      update approval_line set state = ${approvalLineMoves.withdraw.to}, settled_at = now()
       where batch_id = ${batchId} and ${mayMove(sql`state`, approvalLineMoves.withdraw)} and ${lineId === undefined ? sql`true` : sql`id = ${lineId}`}
      returning line_id, expected_quantity, target, position),
    named as (select * from withdrawn order by position limit ${max})
    select (select count(*)::int from withdrawn) as lines,
           coalesce((select jsonb_agg(jsonb_build_object('lineId', line_id, 'from', expected_quantity, 'to', target)
                       order by position) from named), '[]') as named`);
  return rows[0] ?? { lines: 0, named: [] };
}

export async function findApprovalLine(
  db: Queryable,
  batchId: string,
  id: string,
): Promise<ApprovalLineRow | undefined> {
  const [row] = await db
    .select()
    .from(approvalLine)
    .where(and(eq(approvalLine.batchId, batchId), eq(approvalLine.id, id)));
  return row;
}

/** Closes the connection's to-do lists that have no to-do left. @returns their ids */
export async function closeDoneTodos(tx: Queryable, psaConnectionId: string): Promise<string[]> {
  const closed = await tx
    .update(approvalBatch)
    .set({ state: approvalBatchMoves.closeTodos.to, closedAt: sql`now()` })
    .where(
      and(
        eq(approvalBatch.psaConnectionId, psaConnectionId),
        mayMove(approvalBatch.state, approvalBatchMoves.closeTodos),
        sql`not exists (select from approval_line l where l.batch_id = ${approvalBatch.id} and l.state = 'todo')`,
      ),
    )
    .returning({ id: approvalBatch.id });
  return closed.map((row) => row.id);
}

/**
 * Marks to-do lines as verified when the PSA now holds their target, rounded to the decimals that the PSA keeps. A to-do to go to 0
 * is done, too, when the line is no longer there, or has ended by the day from which it was to be 0.
 *
 * @returns the verified lines
 */
export async function verifyTodoLines(tx: Queryable, psaConnectionId: string) {
  const kept = keptBy(psaConnectionId);
  const isLine = and(eq(agreementLine.psaConnectionId, psaConnectionId), eq(agreementLine.id, approvalLine.lineId));
  const isBilled = sql`${agreementLine.status} = 'active' and (${agreementLine.effectiveTo} is null
    or ${agreementLine.effectiveTo}::text > coalesce(${approvalLine.nextInvoiceDate}, to_char(now() at time zone 'utc', 'YYYY-MM-DD')))`;
  const [lineNow, lineLeft] = [tx.select().from(agreementLine), tx.select().from(agreementLine)];
  return tx
    .update(approvalLine)
    .set({ state: approvalLineMoves.verify.to, settledAt: sql`now()` })
    .from(approvalBatch)
    .where(
      and(
        eq(approvalBatch.psaConnectionId, psaConnectionId),
        mayMove(approvalLine.state, approvalLineMoves.verify),
        eq(approvalLine.batchId, approvalBatch.id),
        or(
          exists(lineNow.where(and(isLine, eq(kept(agreementLine.quantity), kept(approvalLine.to))))),
          and(eq(approvalLine.to, 0), not(exists(lineLeft.where(and(isLine, isBilled))))),
        ),
      ),
    )
    .returning({ lineId: approvalLine.lineId, from: approvalLine.from, to: approvalLine.to });
}
