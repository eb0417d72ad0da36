/** Previews of bulk approvals, which are shown before the approvals are signed off. */
import { and, asc, eq, gt, sql } from 'drizzle-orm';
import type { Queryable, Transaction } from '../client.ts';
import { fromNow } from '../interval.ts';
import {
  agreement,
  approvalPreview,
  approvalPreviewLine,
  psaAccount,
  psaProduct,
  type PreviewFilter,
} from '../schema/index.ts';
import { isCardOf } from './cardList.ts';
import { isDatePassed, isUnderWay, writeOfCard } from './signOff.ts';

export type PreviewRow = typeof approvalPreview.$inferSelect;

/**
 * Stores exactly every write that may be approved in bulk, without a look at each card; with the totals, and how many
 * cards are left out for which reason. All of it reflects one moment. Removes previews that have expired.
 *
 * @param preview.lifeMs milliseconds for which the preview can be signed off
 */
export async function storePreview(
  tx: Transaction,
  organizationId: string,
  preview: { psaConnectionId: string; filter: PreviewFilter; requestedBy: string; lifeMs: number },
): Promise<PreviewRow> {
  await tx.execute(sql`
    delete from approval_preview where id in (
      select id from approval_preview where expires_at < now() order by expires_at for update skip locked)`);
  const { lifeMs, ...row } = preview;
  const [made] = await tx
    .insert(approvalPreview)
    .values({ ...row, organizationId, expiresAt: fromNow(lifeMs) })
    .returning();
  if (!made) throw new Error('The preview was not stored.');
  const { psaConnectionId, filter } = preview;
  await tx.execute(sql`
    with considered as materialized (
      select c.id, c.psa_account_id, c.psa_product_id, w.*,
             case when c.dismissed then 'dismissed'
                  when ${isUnderWay(preview.psaConnectionId, sql`c.id`, sql`w.line_id`)} then 'under_way'
                  when not c.bulk_approvable or w.line_id is null then coalesce(c.flags[1], 'other')
                  when ${isDatePassed(sql`w.effective_date`)} then 'date_passed'
             end as reason
        from card c
       cross join lateral ${writeOfCard} w
       where ${isCardOf(organizationId, { ...filter, psaConnectionId })} and c.kind <> 'no_change'),
    kept as (
      insert into approval_preview_line (preview_id, position, card_id, psa_account_id, psa_product_id, agreement_id, line_id,
                                         from_quantity, to_quantity, effective_date, currency, amount, not_billed)
      select ${made.id}::uuid, row_number() over (order by psa_account_id, psa_product_id) - 1, id, psa_account_id,
             psa_product_id, agreement_id, line_id, "from", "to", effective_date, money ->> 'currency',
             coalesce((money ->> 'amount')::float8, 0), coalesce((money ->> 'notBilled')::boolean, false)
        from considered where reason is null
      returning currency, amount, not_billed),
    sums as (
      select currency, not_billed, count(*)::int as cards, round(sum(amount)::numeric, 4)::float8 as amount
        from kept group by 1, 2),
    left_out as (select reason, count(*)::int as cards from considered where reason is not null group by 1)
    update approval_preview
       set cards = (select count(*) from kept),
           money = coalesce((select jsonb_agg(jsonb_build_object('currency', currency, 'amount', amount,
                     'notBilled', not_billed, 'cards', cards) order by currency, not_billed) from sums), '[]'),
           left_out = coalesce((select jsonb_agg(jsonb_build_object('reason', reason, 'cards', cards)
                     order by cards desc, reason) from left_out), '[]')
     where id = ${made.id}`);
  const [stored] = await tx.select().from(approvalPreview).where(eq(approvalPreview.id, made.id));
  return stored ?? made;
}

/** Finds a preview that has not expired. */
export async function findPreview(db: Queryable, organizationId: string, id: string): Promise<PreviewRow | undefined> {
  const [row] = await db
    .select()
    .from(approvalPreview)
    .where(
      and(
        eq(approvalPreview.organizationId, organizationId),
        eq(approvalPreview.id, id),
        gt(approvalPreview.expiresAt, sql`now()`),
      ),
    );
  return row;
}

export async function noteSignedOff(tx: Queryable, id: string, approvalId: string): Promise<void> {
  await tx.update(approvalPreview).set({ approvalId }).where(eq(approvalPreview.id, id));
}

export interface PreviewStanding {
  /** Of how many customers the changes are. */
  customers: number;
  /** Approvals given since the preview was made that have some of its changes, the newest first. */
  approvedSince: { approvalId: string; cards: number }[];
}

/** The most approvals that are named of those given since a preview was made. */
const namedApprovals = 20;

/** How a preview stands now. A to-do that was withdrawn is not approved any more, and an undo approves none of it. */
export async function readPreviewStanding(
  db: Queryable,
  { id, psaConnectionId, createdAt }: PreviewRow,
): Promise<PreviewStanding> {
  const { rows } = await db.execute<PreviewStanding & Record<string, unknown>>(sql`
    with shown as (select card_id, psa_account_id from approval_preview_line where preview_id = ${id}),
    since as (
      select b.id, b.created_at, count(*)::int as cards
        from approval_batch b
        join approval_line l on l.batch_id = b.id
        join shown s on s.card_id = l.card_id
       where b.psa_connection_id = ${psaConnectionId} and b.created_at > ${createdAt} and b.undo_of is null
         and b.preview_id is distinct from ${id} and l.state not in ('withdrawn', 'replaced', 'conflict', 'rejected')
       group by b.id order by b.created_at desc limit ${namedApprovals})
    select (select count(distinct psa_account_id) from shown)::int as customers,
           coalesce((select jsonb_agg(jsonb_build_object('approvalId', id, 'cards', cards) order by created_at desc)
                       from since), '[]') as "approvedSince"`);
  return rows[0] ?? { customers: 0, approvedSince: [] };
}

/** A page of the writes that a preview shows, with the names of their PSA account, product and agreement. */
export async function listPreviewLines(
  db: Queryable,
  preview: Pick<PreviewRow, 'id' | 'psaConnectionId'>,
  page: { after?: number | undefined; limit: number },
) {
  const of = preview.psaConnectionId;
  return db
    .select({
      line: approvalPreviewLine,
      psaAccountName: psaAccount.name,
      productId: psaProduct.productId,
      productName: psaProduct.name,
      agreementName: agreement.name,
    })
    .from(approvalPreviewLine)
    .leftJoin(psaAccount, and(eq(psaAccount.psaConnectionId, of), eq(psaAccount.id, approvalPreviewLine.psaAccountId)))
    .leftJoin(psaProduct, and(eq(psaProduct.psaConnectionId, of), eq(psaProduct.id, approvalPreviewLine.psaProductId)))
    .leftJoin(agreement, and(eq(agreement.psaConnectionId, of), eq(agreement.id, approvalPreviewLine.agreementId)))
    .where(
      and(
        eq(approvalPreviewLine.previewId, preview.id),
        page.after === undefined ? undefined : gt(approvalPreviewLine.position, page.after),
      ),
    )
    .orderBy(asc(approvalPreviewLine.position))
    .limit(page.limit);
}
