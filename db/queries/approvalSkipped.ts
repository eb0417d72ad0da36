/** Cards that were asked to be approved and were left out. */
import { and, asc, eq, gt, sql } from 'drizzle-orm';
import type { SkipReason } from '../../domain/approval.ts';
import type { Queryable, Transaction } from '../client.ts';
import { approvalSkipped, card, psaProduct } from '../schema/index.ts';

export type SkippedRow = typeof approvalSkipped.$inferSelect;

/** A page of the requested cards that were left out of the batch. */
export async function listSkipped(
  db: Queryable,
  batchId: string,
  page: { reason?: SkipReason | undefined; after?: number | undefined; limit: number },
) {
  return db
    .select()
    .from(approvalSkipped)
    .where(
      and(
        eq(approvalSkipped.batchId, batchId),
        page.reason ? eq(approvalSkipped.reason, page.reason) : undefined,
        page.after === undefined ? undefined : gt(approvalSkipped.position, page.after),
      ),
    )
    .orderBy(asc(approvalSkipped.position))
    .limit(page.limit);
}

/** The first cards that were left out, each with the names of its customer and product while the card is there. */
export async function listSkippedByName(
  tx: Transaction,
  batchId: string,
  limit: number,
): Promise<{ skipped: SkippedRow; name: string | null }[]> {
  return tx
    .select({
      skipped: approvalSkipped,
      name: sql<string | null>`${card.accountName} || ', ' || coalesce(${psaProduct.productId}, ${card.productName})`,
    })
    .from(approvalSkipped)
    .leftJoin(card, eq(card.id, approvalSkipped.cardId))
    .leftJoin(
      psaProduct,
      and(eq(psaProduct.psaConnectionId, card.psaConnectionId), eq(psaProduct.id, card.psaProductId)),
    )
    .where(eq(approvalSkipped.batchId, batchId))
    .orderBy(asc(approvalSkipped.position))
    .limit(limit);
}
