/** What goes on in organizations, looked at again and again for whoever follows it. */
import { sql, type SQL } from 'drizzle-orm';
import type { ApprovalBatchState } from '../../domain/transitions.ts';
import type { Queryable } from '../client.ts';

/** An approval that was given lately, and whether it is over. */
export interface RecentApproval {
  id: string;
  state: ApprovalBatchState;
  /** `person:{id}`, or who else asked. */
  by: string;
}

/** @param organizationId an expression of SQL */
const newestApprovals = (organizationId: SQL) => sql`
  (select id, state, requested_by as by from approval_batch
    where organization_id = ${organizationId} order by created_at desc, id limit 20)`;

/** The newest approvals, at most 20. */
export async function listRecentApprovals(db: Queryable, organizationId: string): Promise<RecentApproval[]> {
  const { rows } = await db.execute<RecentApproval & Record<string, unknown>>(
    sql`select * from ${newestApprovals(sql`${organizationId}::uuid`)} b`,
  );
  return rows;
}

/**
 * Reads a mark of each organization, which differs when a step has moved, a run has begun, read on or ended, an approval was
 * given or is over, or something began or ceased to wait for a person. One statement for all organizations, by indexes only: it runs every second.
 *
 * A blocked step of a single alert or of a new customer does not change the mark, because finding those means to look at
 * every process of the organization.
 *
 * @returns marks by the organizations' ids; an organization without an integration has an empty mark
 */
export async function readMarks(db: Queryable, organizationIds: readonly string[]): Promise<Map<string, string>> {
  const { rows } = await db.execute<{ id: string; mark: string }>(sql`
    select o.id, md5(coalesce((
      select jsonb_agg(jsonb_build_array(
               i.id, i.modules, i.intake, i.vendor_name, i.disconnected_at, i.counts_from, i.credentials_at,
               i.credentials_expire_on, p.refreshed_at, p.credentials_at, p.credentials_expire_on,
               (select jsonb_agg(jsonb_build_array(s.kind, s.step, s.state, s.problem, s.retry_at, s.not_before, s.done_at)
                                 order by s.kind, s.position)
                  from process pr join process_step s on (s.kind, s.id, s.round) = (pr.kind, pr.id, pr.round)
                 where (pr.kind, pr.id) in (('connect', i.id::text), ('sync', i.id::text), ('migrateToAlerts', i.id::text),
                                            ('refreshPsa', p.id::text))),
               (select jsonb_build_array(r.id, r.state, r.cursor, r.finished_at) from sync_run r
                 where r.integration_id = i.id order by r.started_at desc limit 1),
               (select count(*) from sync_run r where r.integration_id = i.id and r.state = 'held'),
               (select jsonb_object_agg(n.state, n.count) from (select state, count(*) from onboarding n
                 where n.integration_id = i.id and n.state in ('found', 'waiting') group by state) n),
               (select count(*) from alert a where a.integration_id = i.id and a.state = 'parked'),
               (select t.times from refused_total t where t.integration_id = i.id)) order by i.id)
        from integration i join psa_connection p on p.id = i.psa_connection_id
       where i.organization_id = o.id)::text, '')
      || (select coalesce(jsonb_agg(jsonb_build_array(b.id, b.state)), '[]')::text from ${newestApprovals(sql`o.id`)} b)) as mark
      from unnest(${sql.param([...organizationIds])}::uuid[]) as o(id)`);
  return new Map(rows.map(({ id, mark }) => [id, mark]));
}

export interface Reading {
  integrationId: string;
  /** How many customers the run has read so far, and how many it reads in all. */
  done: number;
  of: number;
}

/** How far the runs under way have come, of integrations whose usage is read. */
export async function listReadings(db: Queryable, organizationId: string): Promise<Reading[]> {
  const { rows } = await db.execute<{ integrationId: string; done: number; of: number }>(sql`
    select i.id as "integrationId",
           (select count(*)::int from staging_row t where t.run_id = r.id and t.entity = 'read') as done,
           (select count(*)::int from vendor_account a
             where a.integration_id = i.id and a.linked and not a.excluded and a.missing_since is null) as of
      from integration i
      join lateral (
        select s.id, s.state from sync_run s where s.integration_id = i.id and s.vendor_account_id is null
         order by s.started_at desc limit 1) r on r.state = 'running'
     where i.organization_id = ${organizationId} and i.intake = 'pull' and i.disconnected_at is null
     order by i.created_at, i.id`);
  return rows;
}
