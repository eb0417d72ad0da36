/** The visible usage counts, and the usage counts that a run has staged. */
import { and, eq, sql } from 'drizzle-orm';
import type { CountPair } from '../../domain/countPair.ts';
import type { PairQuantity } from '../../domain/swingGuard.ts';
import type { Queryable, Transaction } from '../client.ts';
import { stagingRow, usageCount } from '../schema/index.ts';
import { stagedCountIdOf } from './staging.ts';

/**
 * Lists the counts that are visible now.
 *
 * @param vendorAccountId only the counts of this customer; absent = of all customers
 */
export async function listUsage(
  db: Queryable,
  integrationId: string,
  vendorAccountId?: string,
): Promise<PairQuantity[]> {
  return db
    .select({
      vendorAccountId: usageCount.vendorAccountId,
      serviceId: usageCount.serviceId,
      quantity: usageCount.quantity,
    })
    .from(usageCount)
    .where(
      and(
        eq(usageCount.integrationId, integrationId),
        vendorAccountId === undefined ? undefined : eq(usageCount.vendorAccountId, vendorAccountId),
      ),
    );
}

/** Lists the counts that a run has staged. */
export async function listStagedUsage(db: Queryable, runId: string): Promise<PairQuantity[]> {
  return db
    .select({
      vendorAccountId: sql<string>`data->>'accountId'`,
      serviceId: sql<string>`data->>'service'`,
      quantity: sql<number | null>`(data->>'quantity')::float8`,
    })
    .from(stagingRow)
    .where(and(eq(stagingRow.runId, runId), eq(stagingRow.entity, 'count')));
}

/** A count that a run would change; null = never reported. */
export interface UsageChange extends CountPair {
  vendorAccountName: string | null;
  before: number | null;
  after: number | null;
  /** How far it moves. */
  size: number;
}

/** A page of the counts that a run which is not applied would change, the largest change first. */
export async function listChanges(
  db: Queryable,
  run: { id: string; integrationId: string },
  page: { after?: Pick<UsageChange, 'size' | 'vendorAccountId' | 'serviceId'> | undefined; limit: number },
): Promise<UsageChange[]> {
  const { after } = page;
  const { rows } = await db.execute<{ [Name in keyof UsageChange]: UsageChange[Name] }>(sql`
    select c."vendorAccountId", c."serviceId", a.name as "vendorAccountName", c.before, c.after, c.size
      from (
        select s.data->>'accountId' as "vendorAccountId", s.data->>'service' as "serviceId", u.quantity as before,
               (s.data->>'quantity')::float8 as after,
               abs(coalesce((s.data->>'quantity')::float8, 0) - coalesce(u.quantity, 0)) as size
          from staging_row s
          left join usage_count u on (u.integration_id, u.vendor_account_id, u.service_id)
                                     = (${run.integrationId}::uuid, s.data->>'accountId', s.data->>'service')
         where s.run_id = ${run.id} and s.entity = 'count') c
      left join vendor_account a on (a.integration_id, a.id) = (${run.integrationId}::uuid, c."vendorAccountId")
     where c.before is distinct from c.after
       and ${
         after === undefined
           ? sql`true`
           : sql`(-c.size, c."vendorAccountId", c."serviceId") > (${-after.size}::float8, ${after.vendorAccountId}, ${after.serviceId})`
       }
     order by -c.size, c."vendorAccountId", c."serviceId"
     limit ${page.limit}`);
  return rows;
}

/** Lists the vendor's names of the services of which a run has staged counts. */
export async function listStagedServices(db: Queryable, runId: string): Promise<string[]> {
  const rows = await db
    .selectDistinct({ service: sql<string>`data->>'service'` })
    .from(stagingRow)
    .where(and(eq(stagingRow.runId, runId), eq(stagingRow.entity, 'count')));
  return rows.map(({ service }) => service);
}

/**
 * Stages a zero for every visible pair that a complete run did not count, of the accounts that the run read and of
 * those that are gone; but not for a posted pair, about which a reading says nothing. The guard checks the zeroes like
 * any other count.
 *
 * @param gone linked accounts that the vendor no longer lists; their pairs are marked, so that a person looks at them
 */
export async function stageZeroes(
  tx: Transaction,
  integrationId: string,
  runId: string,
  gone: readonly string[],
): Promise<void> {
  await tx.execute(sql`
    insert into staging_row (run_id, entity, id, data)
    select ${runId}::uuid, 'count', ${stagedCountIdOf(sql`u.vendor_account_id`, sql`u.service_id`)},
           jsonb_build_object('accountId', u.vendor_account_id, 'service', u.service_id, 'quantity', 0, 'parts', '[]'::jsonb,
                              'gone', g.id is not null)
      from usage_count u
      left join jsonb_array_elements_text(${JSON.stringify(gone)}::jsonb) as g(id) on g.id = u.vendor_account_id
     where u.integration_id = ${integrationId} and u.quantity is not null and u.source = 'pull'
       and (g.id is not null
            or exists (select from staging_row r where r.run_id = ${runId} and r.entity = 'read' and r.id = u.vendor_account_id))
       and not exists (select from staging_row c
                        where c.run_id = ${runId} and c.entity = 'count'
                          and c.data->>'accountId' = u.vendor_account_id and c.data->>'service' = u.service_id)
    on conflict do nothing`);
}

/**
 * Deletes the counts that a run staged from incomplete lists and that would neither raise a pair nor add one: such a
 * run never lowers a pair and never sets it to zero (invariant 3). Posted counts stay: each is evidence for its own
 * pair.
 */
export async function dropLowering(tx: Transaction, integrationId: string, runId: string): Promise<void> {
  await tx.execute(sql`
    delete from staging_row s
     where s.run_id = ${runId} and s.entity = 'count' and coalesce(s.data->>'source', 'pull') = 'pull'
       and (s.data->>'quantity')::float8 <= coalesce((
             select u.quantity from usage_count u
              where u.integration_id = ${integrationId} and u.vendor_account_id = s.data->>'accountId'
                and u.service_id = s.data->>'service'), 0)`);
}

/**
 * Makes the counts of a complete run visible; or, of a run with incomplete lists, the counts that `dropLowering` left.
 * A pair that the run did not read keeps its value and becomes *not reported since*: absence never lowers (invariant
 * 2).
 *
 * @param heldPairs pairs beyond the integration's limit: their cards must be checked first
 * @returns how many counts the run brought, and of how many the number is another one now
 */
export async function applyUsage(
  tx: Transaction,
  integrationId: string,
  runId: string,
  heldPairs: readonly CountPair[],
): Promise<{ counts: number; changedCounts: number }> {
  const held = JSON.stringify(heldPairs);
  const { rows } = await tx.execute<{ counts: number; changedCounts: number }>(sql`
    select count(*)::int as counts,
           (count(*) filter (where u.quantity is distinct from (s.data->>'quantity')::float8))::int as "changedCounts"
      from staging_row s join sync_run r on r.id = s.run_id
      left join usage_count u on (u.integration_id, u.vendor_account_id, u.service_id)
                                 = (${integrationId}::uuid, s.data->>'accountId', s.data->>'service')
     where s.run_id = ${runId} and s.entity = 'count' and (u.as_of is null or u.as_of <= r.started_at)`);
  await tx.execute(sql`
    insert into usage_count (integration_id, vendor_account_id, service_id, quantity, parts, source, run_id, as_of, swing, not_reported_since)
    select ${integrationId}::uuid, s.data->>'accountId', s.data->>'service', (s.data->>'quantity')::float8, s.data->'parts',
           coalesce(s.data->>'source', 'pull'), ${runId}::uuid, r.started_at,
           exists (select from jsonb_to_recordset(${held}::jsonb) as h("vendorAccountId" text, "serviceId" text)
                    where h."vendorAccountId" = s.data->>'accountId' and h."serviceId" = s.data->>'service'),
           case when (s.data->>'gone')::boolean then r.started_at end
      from staging_row s join sync_run r on r.id = s.run_id
     where s.run_id = ${runId} and s.entity = 'count'
    on conflict (integration_id, vendor_account_id, service_id) do update
       set quantity = excluded.quantity, parts = excluded.parts, source = excluded.source, run_id = excluded.run_id,
           as_of = excluded.as_of, swing = excluded.swing,
           -- The time since which it is missing is kept when a later run finds it missing again.
           not_reported_since = case when excluded.not_reported_since is null then null
                                     else coalesce(usage_count.not_reported_since, excluded.not_reported_since) end
     -- The counts of a customer that was read by itself while this run was under way are newer than the run's, and are kept.
     where usage_count.as_of <= excluded.as_of`);
  // A run that pulls covers the pulled pairs; posted counts cover all pairs. A run with neither marks no pair.
  await tx.execute(sql`
    update usage_count u set not_reported_since = r.started_at
      from sync_run r join integration i on i.id = r.integration_id
     where r.id = ${runId} and r.incomplete is null
       and u.integration_id = ${integrationId} and u.run_id is distinct from r.id
       and u.not_reported_since is null and u.as_of <= r.started_at
       and (r.vendor_account_id is null or r.vendor_account_id = u.vendor_account_id)
       and not exists (select from staging_row s where s.run_id = r.id and s.entity = 'unread' and s.id = u.vendor_account_id)
       and (i.intake = 'pull' and u.source = 'pull'
            or exists (select from staging_row s where s.run_id = r.id and s.data->>'source' = 'push' and s.entity = 'count'))`);
  await noteUnread(tx, integrationId, runId);
  await tx.execute(sql`
    update vendor_account a set user_types = s.data->'counts'
      from staging_row s
     where s.run_id = ${runId} and s.entity = 'userTypes' and a.integration_id = ${integrationId} and a.id = s.data->>'accountId'`);
  return { counts: rows[0]?.counts ?? 0, changedCounts: rows[0]?.changedCounts ?? 0 };
}

/**
 * Records which customers a run could not read, since when and why; clears the record of customers that could be read.
 */
async function noteUnread(tx: Transaction, integrationId: string, runId: string): Promise<void> {
  const staged = (entity: string) =>
    sql`exists (select from staging_row s where s.run_id = ${runId} and s.entity = ${entity} and s.id = a.id)`;
  await tx.execute(sql`
    update vendor_account a set unread_since = null, unread_why = null
      from sync_run r
     where r.id = ${runId} and a.integration_id = ${integrationId} and a.unread_since is not null
       and (${staged('read')} or (r.vendor_account_id is null and r.incomplete is null and not ${staged('unread')}))`);
  await tx.execute(sql`
    update vendor_account a set unread_since = coalesce(a.unread_since, r.started_at), unread_why = s.data->>'why'
      from staging_row s join sync_run r on r.id = s.run_id
     where s.run_id = ${runId} and s.entity = 'unread' and a.integration_id = ${integrationId} and a.id = s.id
       and not ${staged('read')}`);
}
