/** What is used and stands on no card at all, so that nobody is billed for it: the customer or the service leads to no card. */
import { sql, type SQL } from 'drizzle-orm';
import type { Unbilled } from '../../domain/monthEnd.ts';
import type { Queryable } from '../client.ts';

export interface UnbilledScope {
  organizationId: string;
  psaConnectionId?: string | undefined;
}

/** A place in the list: by the reason, then by name. */
export interface UnbilledPlace {
  place: number;
  name: string;
  integrationId: string;
  id: string;
}

export interface UnbilledUsage extends UnbilledPlace {
  why: Unbilled;
  psaConnectionId: string;
  vendor: string;
  /** 1, or how many mapped customers use the service that is mapped to nothing. */
  customers: number;
  seats: number;
}

/** A page of what is used and on no card: customers who are not mapped, those who are excluded, and services that are not mapped. */
export async function listUnbilled(
  db: Queryable,
  scope: UnbilledScope,
  page: { after?: UnbilledPlace | undefined; limit: number },
): Promise<UnbilledUsage[]> {
  const { after } = page;
  const { rows } = await db.execute<UnbilledUsage & Record<string, unknown>>(sql`
    select place, why, name, integration_id as "integrationId", id, psa_connection_id as "psaConnectionId", vendor,
           customers::int as customers, seats
      from (${unbilled(scope)}) each
     where ${
       after === undefined
         ? sql`true`
         : sql`(place, name, integration_id, id) > (${after.place}::int, ${after.name}, ${after.integrationId}::uuid, ${after.id})`
     }
     order by place, name, integration_id, id limit ${page.limit}`);
  return rows;
}

export interface UnbilledSum {
  why: Unbilled;
  /** How many customers, or services, and their seats. */
  count: number;
  seats: number;
}

export async function sumUnbilled(db: Queryable, scope: UnbilledScope): Promise<UnbilledSum[]> {
  const { rows } = await db.execute<UnbilledSum & Record<string, unknown>>(sql`
    select why, count(*)::int as count, sum(seats)::float8 as seats from (${unbilled(scope)}) each group by place, why order by place`);
  return rows;
}

const unbilled = ({ organizationId, psaConnectionId }: UnbilledScope): SQL => {
  const isOf = sql`i.organization_id = ${organizationId} and i.disconnected_at is null
    and ${psaConnectionId === undefined ? sql`true` : sql`i.psa_connection_id = ${psaConnectionId}`}`;
  return sql`
    select case when a.excluded then 1 else 0 end as place, case when a.excluded then 'excluded' else 'unmapped' end as why,
           a.name, a.integration_id, a.id, i.psa_connection_id, i.vendor, 1 as customers, u.seats
      from integration i
      join vendor_account a on a.integration_id = i.id and a.linked
      left join account_mapping m on (m.integration_id, m.vendor_account_id) = (a.integration_id, a.id)
     cross join lateral (
       select sum(c.quantity) as seats from usage_count c
        where (c.integration_id, c.vendor_account_id) = (a.integration_id, a.id)) u
     where ${isOf} and (a.excluded or m.psa_account_id is null) and u.seats > 0
    union all
    select 2, 'unmapped_service', s.name, s.integration_id, s.id, i.psa_connection_id, i.vendor,
           count(*), sum(c.quantity)
      from integration i
      join service s on s.integration_id = i.id
      left join service_mapping f on (f.integration_id, f.service_id) = (s.integration_id, s.id)
      join usage_count c on (c.integration_id, c.service_id) = (s.integration_id, s.id) and c.quantity > 0
      join vendor_account a on (a.integration_id, a.id) = (c.integration_id, c.vendor_account_id) and a.linked and not a.excluded
      join account_mapping m on (m.integration_id, m.vendor_account_id) = (a.integration_id, a.id)
     where ${isOf} and f.service_id is null
     group by s.integration_id, s.id, i.psa_connection_id, i.vendor`;
};
