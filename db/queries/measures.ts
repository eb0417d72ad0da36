/** What an alarm is raised by, of all integrations at once: one statement for a scrape of `/metrics`. */
import { sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { isHeldRefresh } from './stops.ts';
import { sweepAge } from './sweep.ts';

/** A measured value. `of` is what it is about: a kind of wait, a step, a thing that is paused. */
export interface Measure {
  /**
   * `wait`: seconds that the oldest of its kind has waited. `retrying`: seconds since which every attempt of a step has failed.
   * `approvals_blocked`: how many. `paused`: how many things somebody has paused in Temporal. `sweep_age`: seconds.
   */
  name: 'wait' | 'retrying' | 'approvals_blocked' | 'paused' | 'sweep_age';
  /** null = of the whole installation. */
  integration: string | null;
  of: string;
  value: number;
}

const secondsSince = (time: string) => sql`extract(epoch from max(now() - ${sql.raw(time)}))::float8`;

/** Reads all measures. What is of a PSA connection is given for each of its integrations. */
export async function readMeasures(db: Queryable): Promise<Measure[]> {
  const { rows } = await db.execute<Measure & Record<string, unknown>>(sql`
    with active as (select id, psa_connection_id from integration where disconnected_at is null),
    -- Processes that have something left to do are due at some time, so the others are not looked at.
    unfinished as (
      select i.id as integration, pr.kind, pr.id, s.step, s.state, s.blocked_at, s.failing_since,
             coalesce(s.problem ->> 'code', '') = 'held' as held
        from process pr
        join process_step s on (s.kind, s.id, s.round) = (pr.kind, pr.id, pr.round) and s.state in ('blocked', 'running')
        left join approval_batch b on pr.kind = 'approveUsage' and b.id::text = pr.id
        join active i on i.id = pr.integration_id or i.psa_connection_id = b.psa_connection_id
                         or (pr.kind = 'refreshPsa' and i.psa_connection_id::text = pr.id)
       where pr.due_at is not null)
    select 'wait' as name, integration, 'blocked' as of, ${secondsSince('blocked_at')} as value
      from unfinished where blocked_at is not null and not held group by integration
    union all
    select 'retrying', integration, step, ${secondsSince('failing_since')}
      from unfinished where state = 'running' and failing_since is not null group by integration, step
    union all
    select 'approvals_blocked', integration, '', count(distinct id)
      from unfinished where kind = 'approveUsage' and blocked_at is not null group by integration
    union all
    select 'wait', h.id, 'held', ${secondsSince('h.since')} from (
      select i.id, coalesce(r.finished_at, r.started_at) as since
        from active i join sync_run r on r.integration_id = i.id and r.state = 'held'
      union all
      select i.id, f.held_at from active i join psa_refresh f on f.psa_connection_id = i.psa_connection_id and ${isHeldRefresh('f')}) h
     group by h.id
    union all
    select 'wait', i.id, 'uncertain', ${secondsSince('coalesce(l.claimed_at, b.created_at)')}
      from approval_line l join approval_batch b on b.id = l.batch_id
      join active i on i.psa_connection_id = b.psa_connection_id where l.state = 'uncertain' group by i.id
    union all
    select 'wait', i.id, 'customer', ${secondsSince('o.found_at')}
      from active i join onboarding o on o.integration_id = i.id and o.state in ('found', 'waiting') group by i.id
    union all
    select 'wait', i.id, a.state || ' alert', ${secondsSince('a.received_at')}
      from active i join alert a on a.integration_id = i.id and a.state in ('parked', 'dead') group by i.id, a.state
    union all
    select 'wait', i.id, 'refused post', ${secondsSince('r.first_at')}
      from active i join refused_post r on r.integration_id = i.id and r.last_at > now() - interval '30 days' group by i.id
    union all
    select 'paused', integration, 'activity', count(distinct (pa.kind, pa.id, pa.activity))
      from unfinished join paused_activity pa using (kind, id) group by integration
    union all
    select 'paused', i.id, 'schedule', 1
      from active i join temporal_schedule t on t.integration_id = i.id and t.paused
      left join sync_schedule c on c.integration_id = i.id where not coalesce(c.paused, false)
    union all
    select 'paused', null, 'sweep', 1 from temporal_schedule where integration_id is null and paused
    union all
    select 'sweep_age', null, '', ${sweepAge} from sweep where swept_at is not null`);
  return rows;
}
