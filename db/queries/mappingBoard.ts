/** What the pages show on which a person maps: who uses how much, what is mapped to what, and how much is left. */
import { and, asc, eq, sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { accountMapping, integration, psaAccount, service, serviceMapping, vendorAccount } from '../schema/index.ts';
import { among } from './among.ts';
import { isMappingOf, isPsaAccount } from './joins.ts';
import { psaMarks, vendorMarks } from './lookalikes.ts';
import { containing } from './psa.ts';

/** The newest number of each pair: what is visible, and of pairs that are not visible yet what the vendor has posted. */
const countsOf = (integrationId: string) => sql`(
  select u.vendor_account_id, u.service_id, u.quantity from usage_count u where u.integration_id = ${integrationId}
  union all
  select p.vendor_account_id, p.service_id, p.quantity from pushed_count p
   where p.integration_id = ${integrationId}
     and not exists (select from usage_count u
                      where (u.integration_id, u.vendor_account_id, u.service_id)
                          = (p.integration_id, p.vendor_account_id, p.service_id)))`;

/**
 * The seats of the vendor account `a`. They are looked up for each account: joined as a list they are read once more for each
 * account whenever PostgreSQL takes them for few, as it does in the minute after many have come.
 */
const seatsOf = (integrationId: string) =>
  sql`(select sum(c.quantity) as seats from ${countsOf(integrationId)} c where c.vendor_account_id = a.id)`;

const isLinkedOf = (integrationId: string) =>
  and(eq(vendorAccount.integrationId, integrationId), eq(vendorAccount.linked, true));

/** The place of a vendor account in the order by seats. */
export type SeatsPlace = [excluded: number, together: number, group: string, seats: number, id: string];

interface AccountFilter {
  mapped?: boolean | undefined;
  /** Anywhere in the name. */
  search?: string | undefined;
  limit: number;
}

/** A page of an integration's linked vendor accounts by id. */
export async function listBoardAccounts(
  db: Queryable,
  integrationId: string,
  { after, limit, ...filter }: AccountFilter & { after?: string | undefined },
) {
  return boardAccounts(db, integrationId)
    .where(
      and(
        isLinkedOf(integrationId),
        filter.mapped === undefined ? undefined : isMapped(filter.mapped),
        containing(filter.search, vendorAccount.name),
        after === undefined ? undefined : sql`${vendorAccount.id} > ${after}`,
      ),
    )
    .orderBy(asc(vendorAccount.id))
    .limit(limit);
}

const isMapped = (mapped: boolean) =>
  mapped ? sql`${accountMapping.psaAccountId} is not null` : sql`${accountMapping.psaAccountId} is null`;

/**
 * A page of an integration's linked vendor accounts: those with most seats first, several that are mapped to one PSA
 * account together (by what they use together), excluded ones last.
 */
export async function listAccountsBySeats(
  db: Queryable,
  integrationId: string,
  { after, limit, ...filter }: AccountFilter & { after?: SeatsPlace | undefined },
) {
  const { rows: page } = await db.execute<{ id: string; place: SeatsPlace }>(sql`
    with placed as (
      select a.id, a.name, m.psa_account_id, a.excluded::int as excluded, coalesce(s.seats, 0) as seats,
             sum(coalesce(s.seats, 0)) over (
               partition by m.psa_account_id, case when m.psa_account_id is null then a.id end) as together,
             coalesce(m.psa_account_id, a.id) as grouped
        from vendor_account a
        left join account_mapping m on m.integration_id = a.integration_id and m.vendor_account_id = a.id
       cross join lateral ${seatsOf(integrationId)} s
       where a.integration_id = ${integrationId} and a.linked)
    select id, jsonb_build_array(excluded, together, grouped, seats, id) as place
      from placed
     where ${filter.mapped === undefined ? sql`true` : filter.mapped ? sql`psa_account_id is not null` : sql`psa_account_id is null`}
       and ${containing(filter.search, sql`name`) ?? sql`true`}
       and ${after === undefined ? sql`true` : isAfter(after)}
     order by excluded, -together, grouped, -seats, id
     limit ${limit}`);
  const rows = await boardAccounts(db, integrationId).where(
    and(
      isLinkedOf(integrationId),
      among(
        vendorAccount.id,
        page.map(({ id }) => id),
      ),
    ),
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  return page.flatMap(({ id, place }) => {
    const row = byId.get(id);
    return row ? [{ ...row, place }] : [];
  });
}

const isAfter = ([excluded, together, group, seats, id]: SeatsPlace) =>
  sql`(excluded, -together, grouped, -seats, id)
    > (${excluded}::int, ${-together}::float8, ${group}::text, ${-seats}::float8, ${id}::text)`;

/** One linked or unlinked vendor account as the page shows it. */
export async function findBoardAccount(db: Queryable, integrationId: string, id: string) {
  const [row] = await boardAccounts(db, integrationId).where(
    and(eq(vendorAccount.integrationId, integrationId), eq(vendorAccount.id, id)),
  );
  return row;
}

function boardAccounts(db: Queryable, integrationId: string) {
  return db
    .select({
      id: vendorAccount.id,
      name: vendorAccount.name,
      linked: vendorAccount.linked,
      excluded: vendorAccount.excluded,
      // Why is in the audit alone: it belongs to the decision, and ends with it.
      excludedWhy: sql<string | null>`case when ${vendorAccount.excluded} then (
        select u.after->>'reason' from audit u
         where u.organization_id = ${integration.organizationId} and u.subject_kind = 'vendor_account'
           and u.subject_id = ${vendorAccount.integrationId} || '/' || ${vendorAccount.id} and u.action = 'account.exclude'
         order by u.id desc limit 1) end`,
      missingSince: vendorAccount.missingSince,
      movedTo: vendorAccount.movedTo,
      seats: sql<number | null>`(
        select sum(c.quantity) from ${countsOf(integrationId)} c where c.vendor_account_id = ${vendorAccount.id})`,
      psaAccountId: accountMapping.psaAccountId,
      psaAccountName: psaAccount.name,
      marks: vendorMarks,
      psaMarks: psaMarks(),
      how: accountMapping.how,
      together: sql<number>`(
        select count(*)::int from account_mapping o
         where (o.integration_id, o.psa_account_id) = (${accountMapping.integrationId}, ${accountMapping.psaAccountId}))`,
    })
    .from(vendorAccount)
    .innerJoin(integration, eq(integration.id, vendorAccount.integrationId))
    .leftJoin(accountMapping, isMappingOf(vendorAccount.integrationId, vendorAccount.id))
    .leftJoin(psaAccount, isPsaAccount(integration.psaConnectionId, accountMapping.psaAccountId))
    .$dynamic();
}

/** A page of the PSA accounts to which an integration may map, by name, each with how many accounts are mapped to it. */
export async function listTargets(
  db: Queryable,
  row: { id: string; psaConnectionId: string },
  page: {
    search?: string | undefined;
    mapped?: boolean | undefined;
    after?: [name: string, id: string] | undefined;
    limit: number;
  },
) {
  const mapped = sql<number>`(
    select count(*)::int from account_mapping m
     where m.integration_id = ${row.id} and m.psa_account_id = ${psaAccount.id})`;
  return db
    .select({
      id: psaAccount.id,
      code: psaAccount.code,
      name: psaAccount.name,
      active: psaAccount.active,
      prospect: psaAccount.prospect,
      marks: psaMarks(),
      mapped,
    })
    .from(psaAccount)
    .where(
      and(
        eq(psaAccount.psaConnectionId, row.psaConnectionId),
        containing(page.search, psaAccount.name, psaAccount.code),
        page.mapped === undefined ? undefined : page.mapped ? sql`${mapped} > 0` : sql`${mapped} = 0`,
        page.after && sql`(${psaAccount.name}, ${psaAccount.id}) > (${page.after[0]}::text, ${page.after[1]}::text)`,
      ),
    )
    .orderBy(asc(psaAccount.name), asc(psaAccount.id))
    .limit(page.limit);
}

/** How far the mapping of an integration has come. */
export async function readProgress(db: Queryable, integrationId: string) {
  const { rows: accounts } = await db.execute<Record<keyof Progress['accounts'], number>>(sql`
    select count(*)::int as linked,
           count(m.psa_account_id)::int as mapped,
           (count(*) filter (where m.how = 'exact'))::int as exact,
           (count(*) filter (where a.excluded))::int as excluded,
           (count(*) filter (where ${openAccount}))::int as open,
           (count(*) filter (where ${openAccount} and u.seats > 0))::int as "openWithUsage",
           coalesce(sum(u.seats) filter (where ${openAccount}), 0)::float8 as "openSeats"
      from vendor_account a
      left join account_mapping m on m.integration_id = a.integration_id and m.vendor_account_id = a.id
     cross join lateral ${seatsOf(integrationId)} u
     where a.integration_id = ${integrationId} and a.linked`);
  const { rows: services } = await db.execute<Record<keyof Progress['services'], number>>(sql`
    with used as (
      select c.service_id as id, sum(c.quantity) as seats from ${countsOf(integrationId)} c group by 1)
    select count(*)::int as total,
           count(m.service_id)::int as mapped,
           (count(*) filter (where m.service_id is null))::int as open,
           (count(*) filter (where m.service_id is null and u.seats > 0))::int as "openWithUsage",
           coalesce(sum(u.seats) filter (where m.service_id is null), 0)::float8 as "openSeats"
      from service s
      left join service_mapping m on m.integration_id = s.integration_id and m.service_id = s.id
      left join used u on u.id = s.id
     where s.integration_id = ${integrationId}`);
  const [ofAccounts] = accounts;
  const [ofServices] = services;
  if (!ofAccounts || !ofServices) throw new Error('A statement that only counts has one row.');
  return { accounts: ofAccounts, services: ofServices } satisfies Progress;
}

const openAccount = sql`m.psa_account_id is null and not a.excluded`;

interface Progress {
  accounts: {
    linked: number;
    mapped: number;
    exact: number;
    excluded: number;
    open: number;
    openWithUsage: number;
    openSeats: number;
  };
  services: { total: number; mapped: number; open: number; openWithUsage: number; openSeats: number };
}

/** What each service is used, by the id of the service: how many seats, and of how many vendor accounts. */
export async function readServiceUse(
  db: Queryable,
  integrationId: string,
): Promise<Map<string, { seats: number; customers: number }>> {
  const { rows } = await db.execute<{ id: string; seats: number; customers: number }>(sql`
    select c.service_id as id, sum(c.quantity) as seats, (count(*) filter (where c.quantity > 0))::int as customers
      from ${countsOf(integrationId)} c where c.quantity is not null group by 1`);
  return new Map(rows.map(({ id, seats, customers }) => [id, { seats, customers }]));
}

/** A service that feeds a product, in whichever integration of the connection. */
export interface Feeder {
  integrationId: string;
  serviceId: string;
  name: string;
  productIds: string[];
}

/** The services of a connection's integrations that are mapped to any of these products. */
export async function listFeeders(
  db: Queryable,
  psaConnectionId: string,
  productIds: readonly string[],
): Promise<Feeder[]> {
  return db
    .select({
      integrationId: serviceMapping.integrationId,
      serviceId: serviceMapping.serviceId,
      name: service.name,
      productIds: serviceMapping.productIds,
    })
    .from(serviceMapping)
    .innerJoin(integration, eq(integration.id, serviceMapping.integrationId))
    .innerJoin(
      service,
      and(eq(service.integrationId, serviceMapping.integrationId), eq(service.id, serviceMapping.serviceId)),
    )
    .where(
      and(
        eq(integration.psaConnectionId, psaConnectionId),
        sql`${integration.disconnectedAt} is null`,
        sql`${serviceMapping.productIds} && ${sql.param([...productIds])}::text[]`,
      ),
    )
    .orderBy(asc(service.name), asc(serviceMapping.integrationId));
}
