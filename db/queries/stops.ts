/** Reads what waits for a person although the steps of its round are over. */
import { sql, type SQL } from 'drizzle-orm';
import type { ProcessRef } from './process.ts';

/** The most held runs of a process that are named. */
const maxNamed = 5;

/** The stops of a process (`Stop[]`), as a column of a statement; null = there are none. */
export function stopsOf({ kind, id }: ProcessRef): SQL {
  if (kind === 'sync') return heldRunsOf(sql`${id}::uuid`);
  if (kind === 'refreshPsa') return heldRefreshOf(sql`${id}::uuid`);
  return kind === 'deliverAlert' ? deadAlertsWhere(sql`a.id = ${id}::uuid`) : sql`null::jsonb`;
}

/** The held runs of an integration (`HeldRun[]`, the newest first), as a column of a statement; null = there are none. */
export function heldRunsOf(integrationId: SQL): SQL {
  return sql`(
    select jsonb_agg(jsonb_build_object('code', 'held', 'id', h.id, 'figures', h.guard->'figures') order by h.started_at desc)
      from (select r.id, r.guard, r.started_at from sync_run r
             where r.integration_id = ${integrationId} and r.state = 'held'
             order by r.started_at desc limit ${maxNamed}) h)`;
}

/** The held refresh of a PSA connection (`HeldRefresh[]`), as a column of a statement; null = there is none. */
export function heldRefreshOf(psaConnectionId: SQL): SQL {
  return sql`(
    select jsonb_agg(jsonb_build_object('code', 'held', 'of', 'psa', 'id', f.id, 'psaConnectionId', f.psa_connection_id, 'guard', f.guard))
      from psa_refresh f where f.psa_connection_id = ${psaConnectionId} and ${isHeldRefresh('f')})`;
}

/** Whether a refresh waits for a person because it has lost too many rows. @param alias alias of `psa_refresh` in the statement */
export const isHeldRefresh = (alias: string) => {
  const f = sql.raw(alias);
  return sql`(${f}.state = 'running' and ${f}.guard is not null and ${f}.released_by is null)`;
};

/** Whether an integration's newest run is held, so that whoever waits for a sync waits for a person. */
export const isHeld = (integrationId: SQL) => sql`
  (select r.state = 'held' from sync_run r
    where r.integration_id = ${integrationId} and r.vendor_account_id is null order by r.started_at desc limit 1)`;

/**
 * One dead alert (`RefusedAlert[]`), as a column of a statement: the one that found out what is refused for all, else the
 * oldest; null = there is none.
 *
 * @param which a condition on the alert `a`
 */
export function deadAlertsWhere(which: SQL): SQL {
  return sql`(
    select jsonb_agg(jsonb_build_object('code', 'refused', 'id', d.id, 'reason', coalesce(d.reason ->> 'code', 'unexpected'),
                                        'status', (d.reason ->> 'status')::int, 'forAll', d.for_all))
      from (select a.id, a.reason, a.reason ->> 'of' as for_all from alert a
             where ${which} and a.state = 'dead' order by a.reason ->> 'of' is null, a.received_at limit 1) d)`;
}
