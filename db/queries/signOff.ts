/**
 * Compares the writes requested for sign-off with the current state, in one statement for a batch of any size: every
 * list is one parameter, or consists of rows that are already stored (a statement takes at most 65,535 parameters).
 */
import { sql, type SQL } from 'drizzle-orm';
import type { SkipReason } from '../../domain/approval.ts';
import { approvalLineMoves } from '../../domain/transitions.ts';
import type { Queryable, Transaction } from '../client.ts';
import { mayMove } from './mayMove.ts';
import { keptBy } from './psaConnection.ts';

/** A card as it was shown to the person who signs it off; `effectiveDate` absent = the date is not compared. */
export interface SeenCard {
  cardId: string;
  lineId: string;
  from: number;
  to: number;
  effectiveDate?: string | null | undefined;
}

/**
 * The requested rows, each with the current state: `position, card_id, asked_line_id, asked_from, asked_to, asked_date,
 * psa_account_id, psa_product_id, agreement_id, line_id, "from", "to", version, effective_date, money, reason, words`. The
 * `money` is a `MoneyChange` as JSON.
 */
type Judged = SQL;

/** Lists the connections of these cards; cards of other organizations are left out. */
export async function listConnectionsOfCards(
  tx: Transaction,
  organizationId: string,
  cardIds: readonly string[],
): Promise<string[]> {
  const { rows } = await tx.execute<{ id: string }>(sql`
    select distinct psa_connection_id as id from card
     where organization_id = ${organizationId}
       and id in (select value::uuid from jsonb_array_elements_text(${JSON.stringify(cardIds)}::jsonb))`);
  return rows.map((row) => row.id);
}

/** Judges cards as a person saw them. @param cards each card once */
export function judgeCards(psaConnectionId: string, cards: readonly SeenCard[]): Judged {
  const rows = cards.map((card, position) => ({ ...card, position, dated: card.effectiveDate !== undefined }));
  return judge(psaConnectionId, {
    bulk: false,
    asked: sql`
      select min(position) as position, "cardId" as card_id, "lineId" as line_id, "from", "to",
             "effectiveDate" as effective_date, dated
        from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
             as r(position int, "cardId" uuid, "lineId" text, "from" float8, "to" float8, "effectiveDate" text, dated boolean)
       group by 2, 3, 4, 5, 6, 7`,
  });
}

/** Judges all writes that a preview showed. */
export function judgePreview(psaConnectionId: string, previewId: string): Judged {
  return judge(psaConnectionId, {
    bulk: true,
    asked: sql`
      select position, card_id, line_id, from_quantity as "from", to_quantity as "to", effective_date, true as dated
        from approval_preview_line where preview_id = ${previewId}`,
  });
}

/** @param of.bulk no person looked at each card, so cards that were dismissed or whose date has passed are left out */
function judge(psaConnectionId: string, { asked, bulk }: { asked: SQL; bulk: boolean }): Judged {
  const allowed = bulk ? sql`c.bulk_approvable` : sql`c.approvable`;
  const dismissed = bulk ? sql`c.dismissed` : sql`false`;
  const passed = bulk ? isDatePassed(sql`n.effective_date`) : sql`false`;
  return sql`
    select a.position, a.card_id, a.line_id as asked_line_id, a."from" as asked_from, a."to" as asked_to,
           a.effective_date as asked_date, n.psa_account_id, n.psa_product_id, n.agreement_id, n.line_id,
           coalesce(n."from", n.current) as "from", coalesce(n."to", n.target) as "to", n.version, n.effective_date, n.money, n.words,
           case
             when n.id is null then 'gone'
             when n.dismissed then 'dismissed'
             when not n.allowed or n.line_id is null then 'not_approvable'
             when (n.line_id, n."from", n."to") is distinct from (a.line_id, a."from", a."to") then 'differs'
             when a.dated and n.effective_date is distinct from a.effective_date then 'differs'
             when ${passed} then 'date_passed'
           end as reason
      from (${asked}) a
      left join (
        select c.id, c.psa_account_id, c.psa_product_id, ${allowed} as allowed, ${dismissed} as dismissed,
               c.current, c.target, c.detail -> 'flags' -> 0 ->> 'words' as words, w.*
          from card c cross join lateral ${writeOfCard} w
         where c.psa_connection_id = ${psaConnectionId}) n on n.id = a.card_id`;
}

/**
 * Whether the day on which a write is first billed has passed. The card itself shows this once it is recomputed; until
 * then (nothing was read since the day before) the card's numbers belong to a period that is already invoiced.
 */
export const isDatePassed = (day: SQL) =>
  sql`coalesce(${day} < to_char(now() at time zone 'utc', 'YYYY-MM-DD'), false)`;

/**
 * The write that card `c` offers; nulls when it offers none. `offset 0` unpacks the card's detail once, not per column.
 */
export const writeOfCard = sql`(
  select line ->> 'agreementId' as agreement_id, line ->> 'lineId' as line_id, (line ->> 'quantity')::float8 as "from",
         case when line is not null then (new ->> 0)::float8 end as "to", line ->> 'version' as version,
         case when (line ->> 'asOfKnown')::boolean then line ->> 'asOf' end as effective_date, money
    from (select c.detail -> 'write' -> 'line' as line, c.detail #> '{write,newQuantity}' as new,
                 c.detail -> 'money' -> 0 as money offset 0) d)`;

/**
 * Whether a later approval, or an undo, has brought the PSA's line to what it holds since approval line `l` of batch `b` wrote it.
 * Only the newest is undone: otherwise an older approval would take back what somebody approved after it.
 */
const isWrittenSince = (psaConnectionId: string) => sql`exists (
  select from approval_line later join approval_batch lb on lb.id = later.batch_id
   where (later.psa_account_id, later.psa_product_id, later.line_id) = (l.psa_account_id, l.psa_product_id, l.line_id)
     and later.state in ('applied', 'already', 'verified')
     and lb.psa_connection_id = ${psaConnectionId}::uuid and lb.created_at > b.created_at)`;

/**
 * Judges the undo of an approval: each line's old quantity may be restored while the line holds the written quantity,
 * was not billed, and was not written by a later approval.
 *
 * @param only Countersign's id of the only line to undo; absent = all lines of the approval
 */
export function judgeUndo(psaConnectionId: string, batchId: string, only: string | undefined): Judged {
  const kept = keptBy(psaConnectionId);
  return sql`
    select l.position, l.card_id, l.line_id as asked_line_id, l.target as asked_from, l.expected_quantity as asked_to,
           l.next_invoice_date as asked_date, l.psa_account_id, l.psa_product_id, l.agreement_id,
           p.id as line_id, p.quantity as "from", case when p.id is not null then l.expected_quantity end as "to",
           null as version, g.next_invoice_date::text as effective_date,
           jsonb_build_object('amount', -l.amount, 'currency', l.currency, 'notBilled', l.not_billed) as money, null as words,
           case
             when p.id is null then 'gone'
             when g.next_invoice_date::text is distinct from l.next_invoice_date then 'billed'
             when ${kept(sql`p.quantity`)} <> ${kept(sql`l.target`)} then 'differs'
             when ${isWrittenSince(psaConnectionId)} then 'written_since'
           end as reason
      from approval_line l join approval_batch b on b.id = l.batch_id
      left join agreement_line p
        on (p.psa_connection_id, p.agreement_id, p.id) = (${psaConnectionId}::uuid, l.agreement_id, l.line_id)
      left join agreement g on (g.psa_connection_id, g.id) = (p.psa_connection_id, p.agreement_id)
     where l.batch_id = ${batchId} and l.state = 'applied'
       and ${only === undefined ? sql`true` : sql`l.id = ${only}`}`;
}

/**
 * Whether a write of this card or line is under way. A to-do does not count: a newer sign-off replaces it. For each row
 * there are two look-ups in an index of open lines, on purpose as sub-plans: with a join, and statistics from before a
 * big batch, PostgreSQL compared all rows of one side with all rows of the other (seen at 160,000).
 */
export const isUnderWay = (psaConnectionId: string, card: SQL, line: SQL) => sql`(
  exists (select from approval_line o where o.card_id = ${card} and o.state in ('intended', 'writing', 'uncertain'))
  or exists (select from approval_line o join approval_batch b on b.id = o.batch_id
              where o.line_id = ${line} and o.state in ('intended', 'writing', 'uncertain')
                and b.psa_connection_id = ${psaConnectionId}))`;

/** The table `final`: the judged rows, each with `why` it cannot be signed off; null = it can. */
const final = (psaConnectionId: string, judged: Judged) => sql`
    judged as materialized (
      select j.*, case when j.reason = 'gone' then 'gone'
                       when ${isUnderWay(psaConnectionId, sql`j.card_id`, sql`coalesce(j.line_id, j.asked_line_id)`)}
                       then 'under_way'
                       else j.reason end as found
        from (${judged}) j),
    final as materialized (
      select *, case when found is null
                      and row_number() over (partition by line_id, found is null order by position) > 1 then 'twice'
                     else found end as why
        from judged)`;

/** A line of an approval as its undo would write it, or why it would not. */
export interface UndoLine {
  position: number;
  cardId: string;
  psaAccountId: string;
  psaProductId: string;
  agreementId: string;
  lineId: string;
  /** The quantity that the approval wrote, and the one before it. */
  from: number;
  to: number;
  effectiveDate: string | null;
  /** The change of the next invoice; its amount is null when that is not known. */
  money: { amount: number | null; currency: string | null; notBilled: boolean };
  reason: SkipReason | null;
  /** What the line is now, for the words of the reason. */
  nowLineId: string | null;
  nowFrom: number | null;
  nowDate: string | null;
}

export interface Undo {
  lines: number;
  /** Names the lines that would be written: it changes when there is another one, or one less. */
  fingerprint: string;
  money: { currency: string | null; amount: number | null; notBilled: boolean; lines: number }[];
  leftOut: { reason: SkipReason; lines: number }[];
  page: UndoLine[];
}

/**
 * What undoing an approval, or `only` one of its lines, would write now: its sums, and a page of its lines, those first
 * that it would write.
 */
export async function viewUndo(
  db: Queryable,
  { id, psaConnectionId }: { id: string; psaConnectionId: string },
  page: {
    only: string | undefined;
    after?: { isLeftOut: boolean; position: number } | undefined;
    limit: number;
  },
): Promise<Undo> {
  const { only, after } = page;
  const { rows } = await db.execute<Undo & Record<string, unknown>>(sql`
    with ${final(psaConnectionId, judgeUndo(psaConnectionId, id, only))},
    shown as (
      select * from final
       where ${after === undefined ? sql`true` : sql`(why is not null, position) > (${after.isLeftOut}, ${after.position}::int)`}
       order by why is not null, position limit ${page.limit}),
    sums as (
      select money ->> 'currency' as currency, coalesce((money ->> 'notBilled')::boolean, false) as not_billed,
             round(sum((money ->> 'amount')::numeric), 4)::float8 as amount, count(*) as lines
        from final where why is null group by 1, 2, money ->> 'amount' is null)
    select (select count(*)::int from final where why is null) as lines,
           (select md5(coalesce(string_agg(position::text, ',' order by position), '')) from final where why is null) as fingerprint,
           (select coalesce(jsonb_agg(jsonb_build_object('currency', currency, 'amount', amount, 'notBilled', not_billed,
                     'lines', lines) order by currency, not_billed), '[]') from sums) as money,
           (select coalesce(jsonb_agg(jsonb_build_object('reason', why, 'lines', lines) order by lines desc, why), '[]')
              from (select why, count(*) as lines from final where why is not null group by 1) each) as "leftOut",
           (select coalesce(jsonb_agg(jsonb_build_object('position', position, 'cardId', card_id,
                     'psaAccountId', psa_account_id, 'psaProductId', psa_product_id, 'agreementId', agreement_id,
                     'lineId', asked_line_id, 'from', asked_from, 'to', asked_to, 'effectiveDate', asked_date, 'money', money,
                     'reason', why, 'nowLineId', line_id, 'nowFrom', "from", 'nowDate', effective_date)
                     order by why is not null, position), '[]') from shown) as page`);
  const [undo] = rows;
  if (!undo) throw new Error('The undo was not judged.');
  return undo;
}

/**
 * Stores the rows that can be signed off as the batch's lines, and the other rows as left out, with the reason. The
 * connection must be locked (`lockPsaConnection`), so that a card or line with a write under way cannot be signed off a
 * second time.
 *
 * @param batch.leavesZero a line that goes to 0 is a to-do, whatever the others are
 */
export async function storeSignOff(
  tx: Transaction,
  batch: { id: string; psaConnectionId: string; state: 'requested' | 'todo'; leavesZero: boolean },
  judged: Judged,
): Promise<{ lines: number; skipped: number }> {
  const lineState = batch.state === 'todo' ? 'todo' : 'intended';
  const { rows } = await tx.execute<{ lines: number; skipped: number }>(sql`
    with ${final(batch.psaConnectionId, judged)},
    lines as (
      insert into approval_line (batch_id, position, card_id, psa_account_id, psa_product_id, agreement_id, line_id,
                                 expected_quantity, expected_version, target, next_invoice_date, amount, currency, not_billed,
                                 state)
      select ${batch.id}::uuid, row_number() over (order by position) - 1, card_id, psa_account_id, psa_product_id,
             agreement_id, line_id, "from", version, "to", effective_date, (money ->> 'amount')::float8,
             money ->> 'currency', coalesce((money ->> 'notBilled')::boolean, false), 
             case when ${batch.leavesZero} and "to" = 0 then 'todo' else ${lineState} end
        from final where why is null
      returning 1),
    skipped as (
      insert into approval_skipped (batch_id, position, card_id, psa_account_id, psa_product_id, reason, words, asked_line_id, asked_from, asked_to,
                                    asked_date, now_line_id, now_from, now_to, now_date)
      select ${batch.id}::uuid, row_number() over (order by position) - 1, card_id, psa_account_id, psa_product_id, why,
             case when why = 'not_approvable' then words end, asked_line_id, asked_from, asked_to, asked_date, line_id, "from",
             "to", effective_date
        from final where why is not null
      returning 1)
    select (select count(*) from lines)::int as lines, (select count(*) from skipped)::int as skipped`);
  return rows[0] ?? { lines: 0, skipped: 0 };
}

/** Replaces the to-dos of the same cards and lines by this batch. @returns how many to-dos were replaced, by batch */
export async function replaceTodos(
  tx: Transaction,
  batch: { id: string; psaConnectionId: string },
): Promise<{ batchId: string; lines: number }[]> {
  const { rows } = await tx.execute<{ batchId: string; lines: number }>(sql`
    with replaced as (
      update approval_line l set state = ${approvalLineMoves.replace.to}, settled_at = now(), replaced_by = ${batch.id} from approval_batch b
       where b.id = l.batch_id and b.psa_connection_id = ${batch.psaConnectionId} and b.id <> ${batch.id} and ${mayMove(sql`l.state`, approvalLineMoves.replace)}
         and (exists (select from approval_line m
                       where m.card_id = l.card_id and m.batch_id = ${batch.id} and m.state in ('intended', 'todo'))
              or exists (select from approval_line m
                          where m.line_id = l.line_id and m.batch_id = ${batch.id} and m.state in ('intended', 'todo')))
      returning l.batch_id)
    select batch_id as "batchId", count(*)::int as lines from replaced group by 1`);
  return rows;
}
