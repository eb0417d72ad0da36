/** Found money, and what is not even on a card yet. Sums are of decimals, so that nothing drifts, and never over currencies. */
import { sql } from 'drizzle-orm';
import { foundKinds } from '../../domain/reconcile/review.ts';
import type { Queryable } from '../client.ts';
import { hasNothingPending } from './cardList.ts';
import { isOpenLine } from './isOpenLine.ts';

export interface FoundSum {
  kind: SumKind;
  currency: string | null;
  cards: number;
  /** How much more should be billed, and on how many cards; and how much less. */
  under: { amount: number; cards: number };
  over: { amount: number; cards: number };
  /** Cards whose money no one price tells. */
  unpriced: number;
  /** Of all of these: cards that can be approved now, and are not yet. */
  ready: number;
}

/** What a card finds; of a card that is approved already, what became of that: a to-do, or a write under way. */
export const sumKinds = [...foundKinds, 'todo', 'writing'] as const;
export type SumKind = (typeof sumKinds)[number];

/** What the cards that nobody has dismissed find, by kind and currency. */
export async function sumFound(db: Queryable, organizationId: string): Promise<FoundSum[]> {
  const { rows } = await db.execute<{
    kind: SumKind;
    currency: string | null;
    cards: number;
    under: number;
    underCards: number;
    over: number;
    overCards: number;
    unpriced: number;
    ready: number;
  }>(sql`
    with of as (
      select c.found as kind, c.currency, c.amount, c.state from card c
       where c.organization_id = ${organizationId} and c.found is not null and not c.dismissed and ${hasNothingPending}
      union all
      select case when l.state = 'todo' then 'todo' else 'writing' end, c.currency, c.amount, null
        from approval_line l join card c on c.id = l.card_id
       where ${isOpenLine(sql`l`)} and c.organization_id = ${organizationId})
    select kind, currency, count(*)::int as cards,
           coalesce(sum(amount) filter (where amount > 0), 0)::float8 as under,
           (count(*) filter (where amount > 0))::int as "underCards",
           coalesce(-sum(amount) filter (where amount < 0), 0)::float8 as over,
           (count(*) filter (where amount < 0))::int as "overCards",
           (count(*) filter (where amount is null))::int as unpriced,
           (count(*) filter (where state = 'ready'))::int as ready
      from of
     group by 1, 2 order by 1, 2 nulls last`);
  return rows.map(({ kind, currency, cards, under, underCards, over, overCards, unpriced, ready }) => ({
    kind,
    currency,
    cards,
    under: { amount: under, cards: underCards },
    over: { amount: over, cards: overCards },
    unpriced,
    ready,
  }));
}

/** How many customers use something that no line bills: as it is, and where a line or its agreement has ended. */
export async function countUnbilled(db: Queryable, organizationId: string): Promise<{ none: number; ended: number }> {
  const { rows } = await db.execute<{ none: number; ended: number }>(sql`
    select (count(distinct (psa_connection_id, psa_account_id)) filter (where found = 'no_line'))::int as none,
           (count(distinct (psa_connection_id, psa_account_id)) filter (where found = 'expired'))::int as ended
      from card c
     where organization_id = ${organizationId} and found in ('no_line', 'expired') and not dismissed and ${hasNothingPending}`);
  return rows[0] ?? { none: 0, ended: 0 };
}

export interface UnmappedUsage {
  integrationId: string;
  /** How many customers use something and are mapped to nobody, and their seats. */
  customers: number;
  seats: number;
  /** Those with most seats. */
  largest: { id: string; name: string; seats: number }[];
}

/** Whose usage nobody is billed for because nobody has mapped them, by integration. @param shown how many are named */
export async function listUnmappedUsage(
  db: Queryable,
  organizationId: string,
  shown: number,
): Promise<UnmappedUsage[]> {
  const { rows } = await db.execute<UnmappedUsage & Record<string, unknown>>(sql`
    with used as (
      select a.integration_id, a.id, a.name, u.seats
        from integration i
        join vendor_account a on a.integration_id = i.id and a.linked and not a.excluded
        left join account_mapping m on (m.integration_id, m.vendor_account_id) = (a.integration_id, a.id)
       cross join lateral (
         select sum(c.quantity) as seats from usage_count c
          where (c.integration_id, c.vendor_account_id) = (a.integration_id, a.id)) u
       where i.organization_id = ${organizationId} and i.disconnected_at is null and m.psa_account_id is null and u.seats > 0),
    ranked as (
      select *, row_number() over (partition by integration_id order by seats desc, name, id) as rank from used)
    select integration_id as "integrationId", count(*)::int as customers, sum(seats)::float8 as seats,
           jsonb_agg(jsonb_build_object('id', id, 'name', name, 'seats', seats) order by rank)
             filter (where rank <= ${shown}) as largest
      from ranked group by 1 order by 3 desc, 1`);
  return rows;
}

export interface ApprovalFacts {
  psaConnectionId: string;
  name: string;
  writesEnabled: boolean;
  /** Whether Countersign has ever written to it, or seen a to-do done: the first approval is a careful one. */
  hasApproved: boolean;
  /** Lines of approvals that wait for a person, and that are being written. */
  todos: number;
  writing: number;
}

/** What has been approved of each PSA connection, and what of it is under way. */
export async function listApprovalFacts(db: Queryable, organizationId: string): Promise<ApprovalFacts[]> {
  const { rows } = await db.execute<ApprovalFacts & Record<string, unknown>>(sql`
    select p.id as "psaConnectionId", p.name, p.writes_enabled as "writesEnabled",
           exists (select from approval_batch b join approval_line l on l.batch_id = b.id
                    where b.organization_id = ${organizationId} and b.psa_connection_id = p.id
                      and l.state in ('applied', 'already', 'verified')) as "hasApproved",
           coalesce(o.todos, 0)::int as todos, coalesce(o.writing, 0)::int as writing
      from psa_connection p
      left join (
        select b.psa_connection_id, count(*) filter (where l.state = 'todo') as todos,
               count(*) filter (where l.state <> 'todo') as writing
          from approval_line l join approval_batch b on b.id = l.batch_id
         where ${isOpenLine(sql`l`)} and b.organization_id = ${organizationId}
         group by 1) o on o.psa_connection_id = p.id
     where p.organization_id = ${organizationId}
     order by p.created_at, p.id`);
  return rows;
}
