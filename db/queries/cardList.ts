/**
 * Lists of cards: filtered, sorted, counted. A page is found by the index of its order or of its search, whatever number of
 * cards there is; only the cards of the page are then read whole.
 */
import { and, eq, sql, type SQL } from 'drizzle-orm';
import type { ApprovalLineState } from '../../domain/transitions.ts';
import type { CardKind } from '../../domain/reconcile.ts';
import type { CardState, FoundKind } from '../../domain/reconcile/review.ts';
import type { Queryable } from '../client.ts';
import { isOpenLine } from './isOpenLine.ts';
import { psaMarks } from './lookalikes.ts';
import { card, cardDecision, psaAccount, psaProduct } from '../schema/index.ts';
import { isPsaAccount } from './joins.ts';

export interface CardFilter {
  kind?: CardKind | undefined;
  flag?: string | undefined;
  state?: CardState | undefined;
  psaConnectionId?: string | undefined;
  psaAccountId?: string | undefined;
  psaProductId?: string | undefined;
  /** An integration whose services are mapped to the product. */
  integrationId?: string | undefined;
  /** `under`: more should be billed than is; `over`: less. */
  direction?: 'under' | 'over' | undefined;
  /** Anywhere in the name of the account or product, or in the Product ID. */
  search?: string | undefined;
  dismissed?: boolean | undefined;
  approvable?: boolean | undefined;
  bulkApprovable?: boolean | undefined;
  /** What the card finds. */
  found?: FoundKind | undefined;
  /** Whether the card's state is `agrees`. */
  agrees?: boolean | undefined;
  /** With an approval under way: a to-do, or a write; or with none. */
  pending?: keyof typeof pendingStates | 'none' | undefined;
  cardIds?: readonly string[] | undefined;
}

const pendingStates = { todo: ['todo'], writing: ['intended', 'writing', 'uncertain'] } as const satisfies Record<
  string,
  readonly ApprovalLineState[]
>;

/** Whether nothing that was approved of the card `c` is still to be done or written. */
export const hasNothingPending = sql`not exists (
  select from approval_line l where l.card_id = c.id and ${isOpenLine(sql`l`)})`;

/** @returns a condition about the card `c` */
export function isCardOf(organizationId: string, filter: CardFilter): SQL {
  const is = (column: string, value: unknown) =>
    value === undefined ? undefined : sql`c.${sql.identifier(column)} = ${value}`;
  return sql.join(
    [
      sql`c.organization_id = ${organizationId}`,
      is('kind', filter.kind),
      is('state', filter.state),
      is('found', filter.found),
      filter.agrees === undefined ? undefined : sql`(c.state = 'agrees') = ${filter.agrees}`,
      is('psa_connection_id', filter.psaConnectionId),
      is('psa_account_id', filter.psaAccountId),
      is('psa_product_id', filter.psaProductId),
      is('dismissed', filter.dismissed),
      is('approvable', filter.approvable),
      is('bulk_approvable', filter.bulkApprovable),
      filter.flag === undefined ? undefined : sql`${filter.flag} = any(c.flags)`,
      filter.integrationId === undefined ? undefined : sql`${filter.integrationId}::uuid = any(c.integration_ids)`,
      filter.direction === undefined
        ? undefined
        : filter.direction === 'under'
          ? sql`c.difference > 0`
          : sql`c.difference < 0`,
      filter.search === undefined
        ? undefined
        : sql`c.search like ${`%${filter.search
            .normalize('NFC')
            .toLowerCase()
            .replaceAll(/[\\%_]/g, String.raw`\$&`)}%`}`,
      filter.pending === 'none' ? hasNothingPending : undefined,
      filter.pending === undefined || filter.pending === 'none'
        ? undefined
        : sql`c.id in (select l.card_id from approval_line l
                        where ${isOpenLine(sql`l`)}
                          and l.state = any(${sql.param([...pendingStates[filter.pending]])}::text[]))`,
      filter.cardIds === undefined
        ? undefined
        : sql`c.id in (select value::uuid from jsonb_array_elements_text(${JSON.stringify(filter.cardIds)}::jsonb))`,
    ].filter((condition) => condition !== undefined),
    sql` and `,
  );
}

export const cardSorts = ['id', 'account', 'product', 'difference', 'money'] as const;
export type CardSort = (typeof cardSorts)[number];

/** The position of a card in the sort order: what it is sorted by, and its id. A page of cards begins after it. */
export type CardPlace = { by: readonly (string | number)[]; id: string };

/**
 * What each order is by, as the indexes of the table have it: by size, the largest first, and nothing last. By money, a
 * difference whose money is not known stands above one that changes no invoice, and both above what agrees.
 */
const orders: Readonly<Record<CardSort, readonly { column: SQL; type: string }[]>> = {
  id: [],
  account: [
    { column: sql`c.account_name`, type: 'text' },
    { column: sql`c.product_name`, type: 'text' },
  ],
  product: [
    { column: sql`c.product_name`, type: 'text' },
    { column: sql`c.account_name`, type: 'text' },
  ],
  difference: [{ column: sql`(-coalesce(abs(c.difference), -1))`, type: 'float8' }],
  money: [
    {
      column: sql`(case when c.state = 'agrees' then 3 when c.amount is null then 1 when c.amount = 0 then 2 else -abs(c.amount) end)`,
      type: 'numeric',
    },
    { column: sql`(-coalesce(abs(c.difference), -1))`, type: 'float8' },
  ],
};

/** A page of cards in one of the orders, with their names and what is under way, each with its place. */
export async function listCards(
  db: Queryable,
  organizationId: string,
  filter: CardFilter,
  page: { sort?: CardSort; after?: CardPlace | undefined; limit: number },
) {
  const order = orders[page.sort ?? 'id'];
  const columns = sql.join([...order.map(({ column }) => column), sql`c.id`], sql`, `);
  const { after } = page;
  const isAfter = after
    ? sql`(${columns}) > (${sql.join(
        [...order.map(({ type }, at) => sql`${after.by[at]}::${sql.raw(type)}`), sql`${after.id}::uuid`],
        sql`, `,
      )})`
    : sql`true`;
  const by = sql.join(
    order.map(({ column }) => column),
    sql`, `,
  );
  const { rows: places } = await db.execute<{ id: string; by: (string | number)[] }>(sql`
    select c.id, jsonb_build_array(${by}) as by from card c
     where ${isCardOf(organizationId, filter)} and ${isAfter}
     order by ${columns} limit ${page.limit}`);
  const rows = await cardsWithNames(db).where(
    sql`${card.id} in (select value::uuid from jsonb_array_elements_text(${JSON.stringify(places.map(({ id }) => id))}::jsonb))`,
  );
  const byId = new Map(rows.map((row) => [row.card.id, row]));
  return places.flatMap((place) => {
    const row = byId.get(place.id);
    return row ? [{ ...row, place }] : [];
  });
}

export async function findCard(db: Queryable, organizationId: string, id: string) {
  const [row] = await cardsWithNames(db).where(and(eq(card.organizationId, organizationId), eq(card.id, id)));
  return row;
}

/** An approval of a card that is not over. */
export interface Pending {
  approvalId: string;
  /** Countersign's id of the line. */
  lineId: string;
  state: 'intended' | 'writing' | 'uncertain' | 'todo';
  from: number;
  to: number;
  by: string;
  /** ISO time */
  at: string;
}

function cardsWithNames(db: Queryable) {
  return db
    .select({
      card,
      psaAccountName: psaAccount.name,
      psaMarks: psaMarks(),
      productId: psaProduct.productId,
      productName: psaProduct.name,
      dismissal: cardDecision.dismissal,
      pickedLineId: cardDecision.lineId,
      pending: sql<Pending | null>`(
        select jsonb_build_object('approvalId', l.batch_id, 'lineId', l.id, 'state', l.state, 'from', l.expected_quantity,
                 'to', l.target, 'by', b.requested_by, 'at', b.created_at)
          from approval_line l join approval_batch b on b.id = l.batch_id
         where l.card_id = ${card.id} and ${isOpenLine(sql`l`)}
         order by b.created_at desc limit 1)`,
    })
    .from(card)
    .innerJoin(psaAccount, isPsaAccount(card.psaConnectionId, card.psaAccountId))
    .leftJoin(
      psaProduct,
      and(eq(psaProduct.psaConnectionId, card.psaConnectionId), eq(psaProduct.id, card.psaProductId)),
    )
    .leftJoin(
      cardDecision,
      and(
        eq(cardDecision.psaConnectionId, card.psaConnectionId),
        eq(cardDecision.psaAccountId, card.psaAccountId),
        eq(cardDecision.psaProductId, card.psaProductId),
      ),
    )
    .$dynamic();
}

/** Counts the cards that fit a filter by their state; dismissed cards apart. */
export async function countCards(
  db: Queryable,
  organizationId: string,
  filter: CardFilter,
): Promise<{ state: CardState; dismissed: boolean; cards: number }[]> {
  const { rows } = await db.execute<{ state: CardState; dismissed: boolean; cards: number }>(sql`
    select c.state, c.dismissed, count(*)::int as cards from card c
     where ${isCardOf(organizationId, filter)} group by 1, 2`);
  return rows;
}

/** What the cards of one customer, or of one product, come to. */
export interface CardGroup {
  name: string;
  cards: number;
  /** Of the cards that have one; null = none has. */
  difference: number | null;
  /** Of the cards whose price says it; each currency by itself. */
  money: { currency: string | null; amount: number }[];
}

/**
 * A page of what cards sum up to by the name of their account or product, in the order in which `listCards` has them by that
 * name. It is read along the index of that order, so that a page costs as much as its cards.
 *
 * @param page.after the last name before it
 */
export async function listCardGroups(
  db: Queryable,
  organizationId: string,
  filter: CardFilter,
  page: { by: 'account' | 'product'; after?: string | undefined; limit: number },
): Promise<CardGroup[]> {
  const name = page.by === 'account' ? sql`c.account_name` : sql`c.product_name`;
  const { rows } = await db.execute<CardGroup & Record<string, unknown>>(sql`
    select name, sum(cards)::int as cards, sum(difference) as difference,
           coalesce(jsonb_agg(jsonb_build_object('currency', currency, 'amount', amount) order by currency)
                      filter (where amount is not null), '[]') as money
      from (select ${name} as name, c.currency, count(*) as cards, sum(c.difference) as difference, sum(c.amount) as amount
              from card c
             where ${isCardOf(organizationId, filter)} and ${page.after === undefined ? sql`true` : sql`${name} > ${page.after}`}
             group by 1, 2) each
     group by 1 order by 1 limit ${page.limit}`);
  return rows;
}

/** An approval of a card, as its history has it. */
export interface PastApproval {
  approvalId: string;
  from: number;
  to: number;
  /** YYYY-MM-DD */
  effectiveDate: string | null;
  state: ApprovalLineState;
  by: string;
  at: Date;
  undoOf: string | null;
}

/** What was approved of a card, the newest first. */
export async function listApprovalsOfCard(db: Queryable, cardId: string, limit: number): Promise<PastApproval[]> {
  const { rows } = await db.execute<Omit<PastApproval, 'at'> & { at: string }>(sql`
    select l.batch_id as "approvalId", l.expected_quantity as "from", l.target as "to", l.next_invoice_date as "effectiveDate",
           l.state, b.requested_by as "by", b.created_at as at, b.undo_of as "undoOf"
      from approval_line l join approval_batch b on b.id = l.batch_id
     where l.card_id = ${cardId} order by b.created_at desc, l.id limit ${limit}`);
  return rows.map(({ at, ...row }) => ({ ...row, at: new Date(at) }));
}

/** Names of what counts came from, and how the customer came to be mapped, by `integrationId/vendorAccountId/serviceId`. */
export async function namesOfCounts(
  db: Queryable,
  counts: readonly { integrationId: string; vendorAccountId: string; serviceId: string }[],
) {
  if (counts.length === 0) return [];
  const { rows } = await db.execute<{
    integrationId: string;
    vendorAccountId: string;
    serviceId: string;
    vendorAccountName: string | null;
    serviceName: string | null;
    runId: string | null;
    how: 'exact' | 'vendor' | 'person' | null;
    rounding: 'none' | 'up' | 'down' | 'nearest' | null;
    fanOut: 'parts' | 'alternatives' | null;
  }>(sql`
    select r."integrationId", r."vendorAccountId", r."serviceId", a.name as "vendorAccountName", s.name as "serviceName",
           u.run_id as "runId", m.how, f.rounding, f.fan_out as "fanOut"
      from jsonb_to_recordset(${JSON.stringify(counts)}::jsonb)
             as r("integrationId" uuid, "vendorAccountId" text, "serviceId" text)
      left join vendor_account a on (a.integration_id, a.id) = (r."integrationId", r."vendorAccountId")
      left join service s on (s.integration_id, s.id) = (r."integrationId", r."serviceId")
      left join usage_count u on (u.integration_id, u.vendor_account_id, u.service_id)
                                 = (r."integrationId", r."vendorAccountId", r."serviceId")
      left join account_mapping m on (m.integration_id, m.vendor_account_id) = (r."integrationId", r."vendorAccountId")
      left join service_mapping f on (f.integration_id, f.service_id) = (r."integrationId", r."serviceId")`);
  return rows;
}

/** Names of the account and product of cards that are there, by the cards' ids. */
export async function namesOfCards(
  db: Queryable,
  cardIds: readonly string[],
): Promise<Map<string, { psaAccountName: string; productId: string }>> {
  const rows = await db
    .select({ id: card.id, psaAccountName: card.accountName, productId: card.productName })
    .from(card)
    .where(sql`${card.id} = any(${sql.param([...cardIds])}::uuid[])`);
  return new Map(rows.map(({ id, ...names }) => [id, names]));
}
