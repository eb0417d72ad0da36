/** Lines that somebody has in use in the PSA (409, 423, 425): put off, so that the others go on, and tried again. */
import { and, eq, sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { approvalLine } from '../schema/index.ts';
import type { ApprovalLineRow } from './approvals.ts';

/**
 * Notes that a claimed line was found in use.
 *
 * @returns milliseconds since it was found so first, by the database's clock
 */
export async function noteLocked(db: Queryable, claimed: ApprovalLineRow): Promise<number> {
  const [row] = await db
    .update(approvalLine)
    .set({ lockedSince: sql`coalesce(${approvalLine.lockedSince}, now())` })
    .where(isClaimed(claimed))
    .returning({ ms: sql<number>`(extract(epoch from now() - ${approvalLine.lockedSince}) * 1000)::float8` });
  return row?.ms ?? 0;
}

/** Gives a claim back, as `releaseClaim`, and tries the line again after a while at the earliest. */
export async function putOff(
  db: Queryable,
  before: ApprovalLineRow,
  claimed: ApprovalLineRow,
  wait: { ms: number; problem: { code: string; detail: string } },
): Promise<void> {
  await db
    .update(approvalLine)
    .set({
      state: before.state === 'writing' ? 'uncertain' : before.state,
      claims: before.claims,
      claimedAt: before.claimedAt,
      notBefore: sql`now() + ${wait.ms} * interval '1 millisecond'`,
      problem: wait.problem,
    })
    .where(isClaimed(claimed));
}

/** Milliseconds until the first of a batch's intended lines may be tried; undefined when there is none. */
export async function intendedInMs(db: Queryable, batchId: string): Promise<number | undefined> {
  const [row] = await db
    .select({
      ms: sql<
        number | null
      >`(extract(epoch from min(coalesce(${approvalLine.notBefore}, now())) - now()) * 1000)::float8`,
    })
    .from(approvalLine)
    .where(and(eq(approvalLine.batchId, batchId), eq(approvalLine.state, 'intended')));
  return row?.ms ?? undefined;
}

const isClaimed = (claimed: ApprovalLineRow) =>
  and(eq(approvalLine.id, claimed.id), eq(approvalLine.claims, claimed.claims), eq(approvalLine.state, 'writing'));
