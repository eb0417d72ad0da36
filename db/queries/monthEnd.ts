/**
 * The month-end sheet of an organization: what became of each card with a difference (domain/monthEnd.ts). It is read customer
 * by customer, so that a page costs as much as its customers, however many cards there are.
 */
import { sql, type SQL } from 'drizzle-orm';
import type { SkipReason } from '../../domain/approval.ts';
import { billedStates, openStates, type SheetPart, type SheetSum } from '../../domain/monthEnd.ts';
import type { Period } from '../../domain/period.ts';
import type { ApprovalLineState } from '../../domain/transitions.ts';
import type { Queryable } from '../client.ts';
import { isOpenLine } from './isOpenLine.ts';

export interface SheetScope {
  organizationId: string;
  period: Period;
  psaConnectionId?: string | undefined;
  psaAccountId?: string | undefined;
}

/** A customer's place among the others: by name, as the PSA has it. */
export interface CustomerPlace {
  name: string;
  psaAccountId: string;
  psaConnectionId: string;
}

/** A line's place within its customer: by part, product and time. */
export interface LinePlace extends CustomerPlace {
  part: number;
  psaProductId: string;
  at: string;
  id: string;
}

export interface SheetLine extends CustomerPlace {
  place: number;
  placeAt: string;
  part: SheetPart;
  /** Of the approval's line, of the left-out card's batch and position, or of the card: unique within a sheet. */
  id: string;
  cardId: string;
  psaProductId: string;
  productId: string | null;
  productName: string | null;
  agreementName: string | null;
  lineId: string | null;
  from: number | null;
  to: number | null;
  amount: number | null;
  currency: string | null;
  notBilled: boolean;
  state: ApprovalLineState | null;
  undone: boolean;
  undoOf: string | null;
  /** It was signed off before the period, and is open still. */
  earlier: boolean;
  /** It was written and undone within the period, or is that undo: both together change no invoice. */
  cancelled: boolean;
  /** Used, and no line bills it. */
  noLine: boolean;
  /** Of a left-out card: what was asked, and what was there. */
  skipped: SkippedColumns | null;
  reason: string | null;
  words: string | null;
  by: string | null;
  at: string | null;
  settledAt: string | null;
  approvalId: string | null;
  /** By how much an approved card differs again; null = it does not. */
  differsBy: number | null;
}

/** The columns of `approval_skipped` that say why. */
interface SkippedColumns {
  cardId: string;
  reason: SkipReason;
  words: string | null;
  askedLineId: string;
  askedFrom: number;
  askedTo: number;
  askedDate: string | null;
  nowLineId: string | null;
  nowFrom: number | null;
  nowTo: number | null;
  nowDate: string | null;
}

/**
 * Numbers of cards by part, the approved ones also by what became of them; `openEarlier` are those of the open ones that were
 * approved before the period, `differAgain` approved cards that differ again, `unpriced` those of any part whose money is not known.
 */
export interface SheetCards extends Record<SheetPart, number> {
  billed: number;
  open: number;
  openEarlier: number;
  notWritten: number;
  differAgain: number;
  unpriced: number;
  unpricedIn: Record<SheetSum, number>;
}

/** Sums of one currency; together they are the sum of all lines. */
export interface SheetMoney {
  currency: string | null;
  billed: number;
  open: number;
  notWritten: number;
  skipped: number;
  dismissed: number;
  untouched: number;
  total: number;
}

export interface SheetSums {
  customers: number;
  lines: number;
  cards: SheetCards;
  /** Of the cards that nobody has approved: those that are used and that no line bills, and how many seats they are. */
  withoutLine: { cards: number; seats: number };
  money: SheetMoney[];
}

/** The driver's rows have to be of a type with any names. */
type Plain<Row> = { [Name in keyof Row]: Row[Name] };

/** A page of the customers of a sheet, each with its sums. */
export async function listSheetCustomers(
  db: Queryable,
  scope: SheetScope,
  page: { after?: CustomerPlace | undefined; limit: number },
): Promise<(CustomerPlace & Omit<SheetSums, 'customers'>)[]> {
  const { rows } = await db.execute<Plain<CustomerPlace & Omit<SheetSums, 'customers'>>>(sql`
    with ${sheet(scope, page)}
    select name, psa_account_id as "psaAccountId", psa_connection_id as "psaConnectionId",
           sum(lines)::int as lines, ${cards}, ${withoutLine}, ${money}
      from (${sums(sql`name, psa_account_id, psa_connection_id`)}) each
     group by 1, 2, 3 order by 1, 2, 3`);
  return rows;
}

/** The sums of a whole sheet. */
export async function sumSheet(db: Queryable, scope: SheetScope): Promise<SheetSums> {
  const { rows } = await db.execute<Plain<SheetSums>>(sql`
    with ${sheet(scope)}
    select (select count(*)::int from customer) as customers, coalesce(sum(lines), 0)::int as lines, ${cards}, ${withoutLine}, ${money}
      from (${sums()}) each`);
  const [row] = rows;
  if (!row) throw new Error('The sheet was not summed.');
  return row;
}

/** A page of the lines of a sheet: customer by customer, and within a customer part by part. */
export async function listSheetLines(
  db: Queryable,
  scope: SheetScope & { part?: SheetPart | undefined; differsAgain?: boolean | undefined },
  page: { after?: LinePlace | undefined; limit: number },
): Promise<SheetLine[]> {
  const { after } = page;
  const { rows } = await db.execute<Plain<SheetLine>>(sql`
    with ${sheet(scope, { ...page, inclusive: true, part: scope.part, differsAgain: scope.differsAgain })},
    shown as (
      select * from entry
       where ${scope.part === undefined ? sql`true` : sql`part = ${scope.part}`}
         and ${scope.differsAgain !== true ? sql`true` : sql`differs_by is not null`}
         and ${
           after === undefined
             ? sql`true`
             : sql`(name, psa_account_id, psa_connection_id, place, psa_product_id, place_at, id)
                 > (${after.name}, ${after.psaAccountId}, ${after.psaConnectionId}::uuid, ${after.part}::int, ${after.psaProductId}, ${after.at}, ${after.id})`
         }
       order by name, psa_account_id, psa_connection_id, place, psa_product_id, place_at, id
       limit ${page.limit})
    select s.name, s.psa_account_id as "psaAccountId", s.psa_connection_id as "psaConnectionId", s.place,
           s.place_at as "placeAt", s.part, s.id, s.card_id as "cardId", s.psa_product_id as "psaProductId",
           p.product_id as "productId", p.name as "productName", g.name as "agreementName", s.line_id as "lineId",
           s."from", s."to", s.amount, s.currency, s.not_billed as "notBilled", s.state, s.undone, s.undo_of as "undoOf", s.earlier, s.cancelled, s.no_line as "noLine",
           s.skipped, s.reason, s.words, s.by, s.at,
           s.settled_at as "settledAt", s.approval_id as "approvalId", s.differs_by as "differsBy"
      from shown s
      left join psa_product p on (p.psa_connection_id, p.id) = (s.psa_connection_id, s.psa_product_id)
      left join agreement g on (g.psa_connection_id, g.id) = (s.psa_connection_id, s.agreement_id)
     order by s.name, s.psa_account_id, s.psa_connection_id, s.place, s.psa_product_id, s.place_at, s.id`);
  return rows;
}

/**
 * The tables `customer` (those of a page, or all) and `entry` (all lines of these customers).
 *
 * @param page.inclusive the page begins with the customer `after`, of whom there may be more lines
 * @param page.part only customers with such lines; they still have all of their lines
 * @param page.differsAgain likewise, with approved lines whose card differs again
 */
function sheet(
  scope: SheetScope,
  page: {
    after?: CustomerPlace | undefined;
    limit?: number;
    inclusive?: boolean;
    part?: SheetPart | undefined;
    differsAgain?: boolean | undefined;
  } = {},
): SQL {
  const { after, limit } = page;
  const part = page.differsAgain ? 'approved' : page.part;
  const again = page.differsAgain ? sql`${differsBy} is not null` : sql`true`;
  const compared = page.inclusive ? sql`>=` : sql`>`;
  const all = part === undefined;
  const keys = [
    ...(all || part === 'approved'
      ? [
          sql`select b.psa_connection_id, l.psa_account_id from approval_batch b join approval_line l on l.batch_id = b.id
              where ${isDecided(scope)} and ${isOf(scope, sql`b`, sql`l`)} and ${again}`,
          sql`select b.psa_connection_id, l.psa_account_id from approval_line l join approval_batch b on b.id = l.batch_id
              where ${isCarried(scope)} and ${isOf(scope, sql`b`, sql`l`)} and ${again}`,
        ]
      : []),
    ...(all || part === 'skipped'
      ? [
          sql`select b.psa_connection_id, s.psa_account_id from approval_batch b join approval_skipped s on s.batch_id = b.id
              where ${isDecided(scope)} and ${isOf(scope, sql`b`, sql`s`)} and s.psa_account_id is not null
                and ${all ? sql`true` : sql`not ${isApproved(scope, sql`b`, sql`s`)}`}`,
        ]
      : []),
    ...(all || part === 'dismissed' || part === 'untouched'
      ? [
          sql`select c.psa_connection_id, c.psa_account_id from card c
              where ${differs(scope)} and ${isOf(scope, sql`c`, sql`c`)}
                and ${all ? sql`true` : sql`c.dismissed = ${part === 'dismissed'} and ${isLeft(scope, sql`c`)}`}`,
        ]
      : []),
  ];
  // What is not billed changes no invoice.
  const amount = sql`case when c.found = 'not_billed' then 0 else c.amount::float8 end as amount`;
  const notBilled = sql`coalesce(c.found = 'not_billed', false) as not_billed`;
  const noLine = sql`coalesce(c.found in ('no_line', 'expired'), false) as no_line`;
  return sql`
    customer as materialized (
      select * from (
        select distinct k.psa_connection_id, k.psa_account_id, coalesce(a.name, k.psa_account_id) as name
          from (${sql.join(keys, sql` union all `)}) k
          left join psa_account a on (a.psa_connection_id, a.id) = (k.psa_connection_id, k.psa_account_id)) named
       where ${
         after === undefined
           ? sql`true`
           : sql`(name, psa_account_id, psa_connection_id) ${compared} (${after.name}, ${after.psaAccountId}, ${after.psaConnectionId}::uuid)`
       }
       order by name, psa_account_id, psa_connection_id
       ${limit === undefined ? sql`` : sql`limit ${page.inclusive ? limit + 1 : limit}`}),
    entry as not materialized (
      select k.name, k.psa_account_id, k.psa_connection_id, 0 as place, ${placeOf(sql`b.created_at`)} as place_at,
             'approved' as part, l.id::text as id, l.card_id, l.psa_product_id, l.agreement_id, l.line_id,
             l.expected_quantity as "from", l.target as "to",
             case when ${isSignedOffAgain(scope)} then 0 else l.amount end as amount, l.currency, l.not_billed, l.state,
             exists (select from approval_line u join approval_batch ub on ub.id = u.batch_id
                      where ub.undo_of = b.id and u.line_id = l.line_id and u.state in ('applied', 'already', 'verified')
                        and (u.psa_account_id, u.psa_product_id) = (l.psa_account_id, l.psa_product_id)) as undone,
             b.undo_of, false as no_line, null::jsonb as skipped, null as reason, l.problem ->> 'detail' as words, b.requested_by as by,
             b.created_at as at, l.settled_at, b.id as approval_id,
             ${differsBy} as differs_by,
             ${isCarried(scope)} as earlier, ${isCancelled(scope)} as cancelled
        from customer k join approval_line l on l.psa_account_id = k.psa_account_id
        join approval_batch b on b.id = l.batch_id and b.psa_connection_id = k.psa_connection_id
       where ${isDecided(scope)} or ${isCarried(scope)}
      union all
      select name, psa_account_id, psa_connection_id, 1, place_at, 'skipped', id, card_id, psa_product_id, agreement_id,
             line_id, "from", "to", amount, currency, not_billed, null, false, null, no_line, skipped, skipped ->> 'reason', null,
             by, at, null, approval_id, null, false, false
        from (
          select distinct on (k.name, k.psa_account_id, k.psa_connection_id, s.psa_product_id)
                 k.name, k.psa_account_id, k.psa_connection_id, ${placeOf(sql`b.created_at`)} as place_at,
                 b.id || '/' || s.position as id, s.card_id, s.psa_product_id,
                 c.detail #>> '{write,line,agreementId}' as agreement_id, s.asked_line_id as line_id,
                 s.asked_from as "from", s.asked_to as "to", ${amount}, c.currency, ${notBilled}, ${noLine},
                 jsonb_build_object('cardId', s.card_id, 'reason', s.reason, 'words', s.words,
                   'askedLineId', s.asked_line_id, 'askedFrom', s.asked_from, 'askedTo', s.asked_to, 'askedDate', s.asked_date,
                   'nowLineId', s.now_line_id, 'nowFrom', s.now_from, 'nowTo', s.now_to, 'nowDate', s.now_date) as skipped,
                 b.requested_by as by, b.created_at as at, b.id as approval_id
            from customer k join approval_skipped s on s.psa_account_id = k.psa_account_id
            join approval_batch b on b.id = s.batch_id and b.psa_connection_id = k.psa_connection_id
            left join card c on (c.psa_connection_id, c.psa_account_id, c.psa_product_id)
                                = (k.psa_connection_id, s.psa_account_id, s.psa_product_id) and c.kind <> 'no_change'
           where ${isDecided(scope)} and not ${isApproved(scope, sql`b`, sql`s`)}
           order by k.name, k.psa_account_id, k.psa_connection_id, s.psa_product_id, b.created_at desc, s.position desc) last
      union all
      select k.name, k.psa_account_id, k.psa_connection_id, case when c.dismissed then 2 else 3 end, '',
             case when c.dismissed then 'dismissed' else 'untouched' end, c.id::text, c.id, c.psa_product_id,
             coalesce(c.detail #>> '{write,line,agreementId}', c.detail #>> '{lines,0,agreementId}'),
             c.detail #>> '{write,line,lineId}', c.current, c.target, ${amount}, c.currency, ${notBilled}, null, false, null, ${noLine}, null,
             case when c.dismissed then 'dismissed' else coalesce(c.flags[1], 'undecided') end,
             case when c.dismissed then d.dismissal ->> 'reason' else c.detail -> 'flags' -> 0 ->> 'words' end,
             case when c.dismissed then d.dismissal ->> 'by' end,
             case when c.dismissed then (d.dismissal ->> 'at')::timestamptz end, null, null, null, false, false
        from customer k
        join card c on (c.psa_connection_id, c.psa_account_id) = (k.psa_connection_id, k.psa_account_id)
        left join card_decision d on (d.psa_connection_id, d.psa_account_id, d.psa_product_id)
                                     = (c.psa_connection_id, c.psa_account_id, c.psa_product_id)
       where ${differs(scope)} and ${isLeft(scope, sql`c`)})`;
}

/** An approval is of this period. Parameters are texts, because a Date would be written in the zone of this machine. */
const isDecided = ({ organizationId, period }: SheetScope, batch = sql`b`) =>
  sql`${batch}.organization_id = ${organizationId} and ${batch}.created_at >= ${period.begins.toISOString()}::timestamptz
      and ${batch}.created_at < ${period.ends.toISOString()}::timestamptz`;

/** By how much the card of approval line `l` differs now; null = it does not, or is being written. */
const differsBy = sql`
  (select coalesce(c.difference, 0) from card c
    where (c.psa_connection_id, c.psa_account_id, c.psa_product_id)
          = (b.psa_connection_id, l.psa_account_id, l.psa_product_id) and c.kind <> 'no_change'
      and not exists (select from approval_line o where o.card_id = c.id and ${isOpenLine(sql`o`)}))`;

/** Line `l` was signed off before the period, and is open still: somebody has decided about its card. */
const isCarried = ({ organizationId, period }: SheetScope, batch = sql`b`, line = sql`l`) =>
  sql`(${batch}.organization_id = ${organizationId} and ${batch}.created_at < ${period.begins.toISOString()}::timestamptz
       and ${isOpenLine(line)})`;

/** Approval line `line` of `batch` was written back by a line `u` of the period, of which `more` holds. */
const isUndone = (scope: SheetScope, batch: SQL, line: SQL, u: SQL, more = sql`true`) => {
  const ub = sql`${u}_batch`;
  return sql`
    exists (select from approval_line ${u} join approval_batch ${ub} on ${ub}.id = ${u}.batch_id
             where ${ub}.undo_of = ${batch}.id and ${u}.state in (${listed(billedStates)}) and ${isDecided(scope, ub)}
               and (${u}.psa_account_id, ${u}.psa_product_id, ${u}.line_id) = (${line}.psa_account_id, ${line}.psa_product_id, ${line}.line_id)
               and ${more})`;
};

/** Approval line `l` was undone within the period, or is such an undo, and the undo was not undone itself. */
const isCancelled = (scope: SheetScope) => sql`
  (l.state in (${listed(billedStates)}) and case when ${isUndone(scope, sql`b`, sql`l`, sql`u`, sql`not ${isUndone(scope, sql`u_batch`, sql`u`, sql`again`)}`)} then true
     else not ${isUndone(scope, sql`b`, sql`l`, sql`u`)}
      and exists (select from approval_line o join approval_batch ob on ob.id = o.batch_id
                   where ob.id = b.undo_of and o.state = 'applied' and ${isDecided(scope, sql`ob`)}
                     and (o.psa_account_id, o.psa_product_id, o.line_id) = (l.psa_account_id, l.psa_product_id, l.line_id)) end)`;

/** Card `c` differs, and began to before the period was over. */
const differs = ({ organizationId, period }: SheetScope) =>
  sql`c.organization_id = ${organizationId} and c.kind <> 'no_change'
      and c.differs_since < ${period.ends.toISOString()}::timestamptz`;

/**
 * Approval line `l` came to nothing, and the same line of the PSA was signed off again later: its money stands with the later one,
 * so that no money of a card counts twice.
 */
const isSignedOffAgain = (scope: SheetScope) => sql`
  (l.state not in (${listed([...billedStates, ...openStates])})
   and exists (select from approval_line later join approval_batch lb on lb.id = later.batch_id
                where (later.psa_account_id, later.psa_product_id, later.line_id)
                      = (l.psa_account_id, l.psa_product_id, l.line_id)
                  and lb.psa_connection_id = b.psa_connection_id and lb.created_at > b.created_at
                  and ${isDecided(scope, sql`lb`)}))`;

const isOf = ({ psaConnectionId, psaAccountId }: SheetScope, batch: SQL, row: SQL) =>
  sql`${psaConnectionId === undefined ? sql`true` : sql`${batch}.psa_connection_id = ${psaConnectionId}`}
      and ${psaAccountId === undefined ? sql`true` : sql`${row}.psa_account_id = ${psaAccountId}`}`;

/** A card is told by its account and product, not by its id: it may have been made anew. */
const isIn = (table: 'approval_line' | 'approval_skipped') => (scope: SheetScope, of: SQL, row: SQL) => sql`
  exists (select from ${sql.raw(table)} other join approval_batch ob on ob.id = other.batch_id
           where (other.psa_account_id, other.psa_product_id) = (${row}.psa_account_id, ${row}.psa_product_id)
             and ob.psa_connection_id = ${of}.psa_connection_id
             and (${isDecided(scope, sql`ob`)} or ${table === 'approval_line' ? isCarried(scope, sql`ob`, sql`other`) : sql`false`}))`;
const isApproved = isIn('approval_line');
const isSkipped = isIn('approval_skipped');
/** A card that nobody signed off or asked for. */
const isLeft = (scope: SheetScope, row: SQL) =>
  sql`not ${isApproved(scope, row, row)} and not ${isSkipped(scope, row, row)}`;

const placeOf = (at: SQL) => sql`to_char(${at} at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS.US')`;

const listed = (states: readonly string[]) =>
  sql.join(
    states.map((state) => sql`${state}`),
    sql`, `,
  );

/** The columns that sums are made of. */
const summed = sql`name, psa_account_id, psa_connection_id, part, state, amount, currency, "to", no_line, differs_by, earlier, cancelled`;

/** The sums of `entry` by currency, for each of the columns `by`. */
function sums(by?: SQL): SQL {
  const group = by ? sql`${by}, currency` : sql`currency`;
  const sum = (which: SQL) => sql`round(coalesce(sum(amount) filter (where ${which}), 0)::numeric, 4)::float8`;
  // Only an approved card may have several lines, of several currencies even: it is counted where its first one stands.
  const isFirst = sql`nth = 1`;
  const count = (which: SQL) => sql`count(*) filter (where ${isFirst} and ${which})`;
  const isHeld = sql`state in (${listed(billedStates)}) and not cancelled`;
  const isOpenCard = sql`part = 'approved' and is_open`;
  const isBilledCard = sql`part = 'approved' and not is_open and is_held`;
  const isNotWrittenCard = sql`part = 'approved' and not is_open and not is_held`;
  const unpriced = (which: SQL) => count(sql`amount is null and ${which}`);
  return sql`
    select ${group}, count(*) as lines, bool_or(amount is not null) as has_money,
           ${count(sql`part = 'approved'`)} as approved, ${count(isOpenCard)} as open_cards,
           ${count(sql`${isOpenCard} and is_earlier`)} as earlier_cards, ${count(isBilledCard)} as billed_cards,
           ${count(isNotWrittenCard)} as not_written_cards, ${unpriced(sql`true`)} as unpriced,
           ${unpriced(isBilledCard)} as unpriced_billed, ${unpriced(isOpenCard)} as unpriced_open,
           ${unpriced(isNotWrittenCard)} as unpriced_not_written, ${unpriced(sql`part = 'skipped'`)} as unpriced_skipped,
           ${unpriced(sql`part = 'dismissed'`)} as unpriced_dismissed, ${unpriced(sql`part = 'untouched'`)} as unpriced_untouched, ${count(sql`no_line`)} as without_line,
           sum("to") filter (where ${isFirst} and no_line) as seats, ${sum(sql`true`)} as total, ${count(sql`part = 'skipped'`)} as skipped_cards,
           ${count(sql`part = 'dismissed'`)} as dismissed_cards, ${count(sql`part = 'untouched'`)} as untouched_cards,
           ${count(sql`differs_by is not null`)} as differ_again,
           ${sum(isHeld)} as billed, ${sum(sql`state in (${listed(openStates)})`)} as open,
           ${sum(sql`part = 'approved' and (cancelled or state not in (${listed([...billedStates, ...openStates])}))`)} as not_written,
           ${sum(sql`part = 'skipped'`)} as skipped, ${sum(sql`part = 'dismissed'`)} as dismissed,
           ${sum(sql`part = 'untouched'`)} as untouched
      from (select ${summed}, row_number() over (card order by place_at, id) as nth,
                   -- A card is open while one of its lines is; else it is billed anew unless its undos took back all that was written.
                   bool_or(state in (${listed(openStates)})) over card as is_open, bool_or(earlier) over card as is_earlier,
                   bool_or(${isHeld}) over card as is_held
              from entry where part = 'approved'
            window card as (partition by psa_connection_id, psa_account_id, psa_product_id)
             union all
            select ${summed}, 1, false, false, false from entry where part <> 'approved') numbered
     group by ${group}`;
}

const cards = sql`jsonb_build_object(
  'approved', coalesce(sum(approved), 0), 'skipped', coalesce(sum(skipped_cards), 0),
  'dismissed', coalesce(sum(dismissed_cards), 0), 'untouched', coalesce(sum(untouched_cards), 0),
  'billed', coalesce(sum(billed_cards), 0), 'open', coalesce(sum(open_cards), 0),
  'openEarlier', coalesce(sum(earlier_cards), 0), 'notWritten', coalesce(sum(not_written_cards), 0),
  'differAgain', coalesce(sum(differ_again), 0), 'unpriced', coalesce(sum(unpriced), 0),
  'unpricedIn', jsonb_build_object(
    'billed', coalesce(sum(unpriced_billed), 0), 'open', coalesce(sum(unpriced_open), 0),
    'notWritten', coalesce(sum(unpriced_not_written), 0), 'skipped', coalesce(sum(unpriced_skipped), 0),
    'dismissed', coalesce(sum(unpriced_dismissed), 0), 'untouched', coalesce(sum(unpriced_untouched), 0))) as cards`;

const withoutLine = sql`jsonb_build_object('cards', coalesce(sum(without_line), 0), 'seats', coalesce(sum(seats), 0)) as "withoutLine"`;

const money = sql`coalesce(jsonb_agg(jsonb_build_object(
  'currency', currency, 'billed', billed, 'open', open, 'notWritten', not_written, 'skipped', skipped,
  'dismissed', dismissed, 'untouched', untouched, 'total', total) order by currency) filter (where has_money), '[]') as money`;
