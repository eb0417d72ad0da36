/**
 * Lines in use by somebody in the PSA (409, 423, 425): postponed so that the other lines go on, and tried again later.
 */
import { and, eq, sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { inMilliseconds } from '../interval.ts';
import { approvalLine } from '../schema/index.ts';
import { isAsSeen, type ApprovalLineRow } from './approvals.ts';

/**
 * Records that a line was found in use.
 *
 * @returns milliseconds since the line was first found in use, by the database's clock
 */
export async function noteLocked(db: Queryable, line: ApprovalLineRow): Promise<number> {
  const [row] = await db
    .update(approvalLine)
    .set({ lockedSince: sql`coalesce(${approvalLine.lockedSince}, now())` })
    .where(isAsSeen(line))
    .returning({ ms: inMilliseconds(sql`now() - ${approvalLine.lockedSince}`) });
  return row?.ms ?? 0;
}

/** Milliseconds until the first of a batch's `intended` lines may be tried; undefined when the batch has none. */
export async function intendedInMs(db: Queryable, batchId: string): Promise<number | undefined> {
  const [row] = await db
    .select({
      ms: inMilliseconds(sql`min(coalesce(${approvalLine.notBefore}, now())) - now()`),
    })
    .from(approvalLine)
    .where(and(eq(approvalLine.batchId, batchId), eq(approvalLine.state, 'intended')));
  return row?.ms ?? undefined;
}
