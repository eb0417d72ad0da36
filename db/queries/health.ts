/** Reads the facts by which an integration's health is judged. */
import { sql } from 'drizzle-orm';
import type { SaidOfSchedule } from '../../domain/health.ts';
import type { Schedule } from '../../domain/schedule.ts';
import { workflowIdOf } from '../../domain/process/ids.ts';
import type { ProcessKind } from '../../domain/process/steps.ts';
import type { Stop } from '../../domain/process/stops.ts';
import type { Queryable } from '../client.ts';
import { pauseSeconds } from './rateLimit.ts';
import { sweepAge } from './sweep.ts';
import {
  isRetrying,
  knownOf,
  pausedInTemporal,
  shownCode,
  shownState,
  stepFacts,
  type KnownStep,
  type StoredFacts,
} from './stepFacts.ts';
import { deadAlertsWhere, heldRefreshOf, heldRunsOf, isHeldRefresh } from './stops.ts';

export interface HealthFacts {
  integrationId: string;
  organizationId: string;
  vendor: string;
  vendorName: string | null;
  connected: boolean;
  /**
   * Start of the newest run that became visible; null = none since the integration was connected (or last reconnected).
   */
  dataAsOf: Date | null;
  psaAsOf: Date | null;
  lastSync: { id: string; state: string; finishedAt: Date | null } | null;
  heldRuns: number;
  /** Readings of the integration's PSA that are held: none or one. */
  heldRefreshes: number;
  /** What waits for a person although the steps of its round are over, with the workflow that waits. */
  stops: { workflowId: string; stop: Stop }[];
  /** Signed-off lines, of the integration's PSA connection, of which it is not known whether they were written. */
  linesUncertain: number;
  customersWaiting: number;
  customersEscalated: number;
  alertsParked: number;
  alertsDead: number;
  /** Accounts and services of which the vendor's posts were refused in the last 30 days and none was accepted since. */
  refusedPosts: number;
  /** How many posts have ever been refused. */
  refusedPostsEver: number;
  vendorCredentialsAt: Date | null;
  vendorCredentialsExpireOn: string | null;
  psaCredentialsAt: Date;
  psaCredentialsExpireOn: string | null;
  /** How long Countersign still makes no calls to the vendor, or to the PSA, because that side asked for a pause. */
  vendorPauseSeconds: number;
  psaPauseSeconds: number;
  /**
   * The first unfinished step of each process under way; of those that wait alike only the first `mostAlike`. The last one that is
   * listed says how many more there are.
   */
  openSteps: { kind: ProcessKind; workflowId: string; step: KnownStep; unlisted: number }[];
  /** Seconds since the last sweep of the whole installation came to its end; null = none has yet. */
  sweepAgeSeconds: number | null;
  /** What Temporal says of the integration's Schedule; null = the sweep has seen none. */
  temporalSchedule: SaidOfSchedule | null;
  /** The schedule that a person chose. */
  schedule: Schedule | null;
}

/** An MSP may have 10,000 new customers whom nobody has mapped: so many that wait alike are listed, the others are counted. */
export const mostAlike = 20;

/** What is the same of steps that wait alike, but for whose they are. @param alias alias of `process_step` */
const sameOf = (alias: string) => {
  const s = sql.raw(alias);
  return sql`${s}.kind, ${s}.step, ${shownState(alias)}, ${pausedInTemporal(alias)},
             case when ${shownState(alias)} = 'blocked' then ${shownCode(alias)} end`;
};

/** Of processes that are many, only these steps are listed. */
const stuckFor = (shownMs: number) =>
  sql`(${shownState('s')} = 'blocked' or ${pausedInTemporal('s')} or ${isRetrying('s', shownMs)})`;

/**
 * Reads the facts of integrations that are not disconnected, in the order of their creation.
 *
 * @param shownMs milliseconds of failure after which a step that is retried says so
 * @param of the integrations of one organization, one integration, or all (for the metrics)
 */
export async function readHealthFacts(
  db: Queryable,
  shownMs: number,
  of: { organizationId?: string; integrationId?: string } = {},
): Promise<HealthFacts[]> {
  const stuck = stuckFor(shownMs);
  const { rows } = await db.execute<
    Omit<HealthFacts, 'openSteps' | 'lastSync' | 'stops' | Times> &
      Record<Times, string | null> & {
        lastSync: { id: string; state: string; finishedAt: string | null } | null;
        held: Stop[] | null;
        heldRefresh: Stop[] | null;
        refused: Stop[] | null;
        openSteps: { kind: ProcessKind; id: string; step: StoredFacts; unlisted: number }[] | null;
      }
  >(sql`
    select i.id as "integrationId", i.organization_id as "organizationId", i.vendor, i.vendor_name as "vendorName",
           exists (select from process_step s where s.kind = 'connect' and s.id = i.id::text and s.step = 'finish'
                      and s.state = 'done') as connected,
           (select max(r.started_at) from sync_run r
             where r.integration_id = i.id and r.vendor_account_id is null and r.state = 'applied'
               and (i.counts_from is null or r.started_at >= i.counts_from)) as "dataAsOf",
           p.refreshed_at as "psaAsOf",
           (select jsonb_build_object('id', r.id, 'state', r.state, 'finishedAt', r.finished_at) from sync_run r
             where r.integration_id = i.id and r.vendor_account_id is null order by r.started_at desc limit 1) as "lastSync",
           (select count(*)::int from sync_run r where r.integration_id = i.id and r.state = 'held') as "heldRuns",
           (select count(*)::int from psa_refresh f where f.psa_connection_id = p.id and ${isHeldRefresh('f')}) as "heldRefreshes",
           ${heldRunsOf(sql`i.id`)} as held, ${heldRefreshOf(sql`p.id`)} as "heldRefresh", ${deadAlertsWhere(sql`a.integration_id = i.id`)} as refused,
           (select count(*)::int from approval_line l join approval_batch b on b.id = l.batch_id
             where b.psa_connection_id = p.id and l.state = 'uncertain') as "linesUncertain",
           (select count(*)::int from onboarding o where o.integration_id = i.id and o.state in ('found', 'waiting')) as "customersWaiting",
           (select count(*)::int from onboarding o where o.integration_id = i.id and o.escalated_at is not null) as "customersEscalated",
           (select count(*)::int from alert a where a.integration_id = i.id and a.state = 'parked') as "alertsParked",
           (select count(*)::int from alert a where a.integration_id = i.id and a.state = 'dead') as "alertsDead",
           (select count(*)::int from refused_post r
             where r.integration_id = i.id and r.last_at > now() - interval '30 days') as "refusedPosts",
           coalesce((select t.times::float8 from refused_total t where t.integration_id = i.id), 0) as "refusedPostsEver",
           i.credentials_at as "vendorCredentialsAt", i.credentials_expire_on::text as "vendorCredentialsExpireOn",
           p.credentials_at as "psaCredentialsAt", p.credentials_expire_on::text as "psaCredentialsExpireOn",
           ${pauseSeconds('vendor', sql`i.id`)} as "vendorPauseSeconds", ${pauseSeconds('psa', sql`p.id`)} as "psaPauseSeconds",
           ${sweepAge} as "sweepAgeSeconds",
           (select jsonb_build_object('paused', t.paused, 'revision', t.revision, 'nextRuns', t.next_runs)
              from temporal_schedule t where t.integration_id = i.id limit 1) as "temporalSchedule",
           (select jsonb_build_object('choice', s.choice, 'timeZone', s.time_zone, 'jitterMinutes', s.jitter_minutes, 'paused', s.paused)
              from sync_schedule s where s.integration_id = i.id) as schedule,
           -- New customers that wait are counted above, so of onboardings and deliveries only what is blocked, paused or retried for long is listed here.
           (select jsonb_agg(jsonb_build_object('kind', s.kind, 'id', s.id, 'step', ${stepFacts('s')},
                                                'unlisted', case when s.place = ${mostAlike} then s.of - s.place else 0 end)
                             order by s.kind, s.id)
              from (select s.*, count(*) over alike as of,
                           row_number() over (alike order by coalesce(s.blocked_at, s.failing_since), s.id) as place
                      from (select distinct on (s.kind, s.id) s.* from process pr
                              join process_step s on (s.kind, s.id, s.round) = (pr.kind, pr.id, pr.round)
                             where s.state not in ('done', 'skipped')
                               and (pr.integration_id = i.id and pr.kind in ('connect', 'sync', 'migrateToAlerts')
                                    or pr.kind = 'refreshPsa' and pr.id = p.id::text
                                    or pr.kind = 'approveUsage' and ${stuck}
                                       and exists (select from approval_batch b where b.id::text = pr.id and b.psa_connection_id = p.id)
                                    or pr.integration_id = i.id and pr.kind in ('onboardCustomer', 'deliverAlert') and ${stuck})
                             order by s.kind, s.id, ${shownState('s')} = 'blocked' desc, s.position) s
                    window alike as (partition by ${sameOf('s')})) s
             where s.place <= ${mostAlike}) as "openSteps"
      from integration i join psa_connection p on p.id = i.psa_connection_id
     where i.disconnected_at is null
       and (${of.organizationId ?? null}::uuid is null or i.organization_id = ${of.organizationId ?? null}::uuid)
       and (${of.integrationId ?? null}::uuid is null or i.id = ${of.integrationId ?? null}::uuid)
     order by i.created_at, i.id`);
  return rows.map(({ lastSync, openSteps, held, heldRefresh, refused, ...facts }) => ({
    ...facts,
    stops: [...(held ?? []), ...(heldRefresh ?? []), ...(refused ?? [])].map((stop) => ({
      workflowId: workflowOf(stop, facts.integrationId),
      stop,
    })),
    dataAsOf: timeOf(facts.dataAsOf),
    psaAsOf: timeOf(facts.psaAsOf),
    vendorCredentialsAt: timeOf(facts.vendorCredentialsAt),
    psaCredentialsAt: timeOf(facts.psaCredentialsAt) ?? new Date(),
    lastSync: lastSync && { ...lastSync, finishedAt: timeOf(lastSync.finishedAt) },
    // The step of a held refresh is told as a stop.
    openSteps: (openSteps ?? [])
      .filter(({ step }) => step.problem !== 'held')
      .map(({ kind, id, step, unlisted }) => ({
        kind,
        workflowId: workflowIdOf(kind, id),
        step: knownOf(step),
        unlisted,
      })),
  }));
}

function workflowOf(stop: Stop, integrationId: string): string {
  if (stop.code === 'refused') return workflowIdOf('deliverAlert', stop.id);
  return 'of' in stop ? workflowIdOf('refreshPsa', stop.psaConnectionId) : workflowIdOf('sync', integrationId);
}

/** Columns that a raw SQL statement returns as text, although they are times. */
type Times = 'dataAsOf' | 'psaAsOf' | 'vendorCredentialsAt' | 'psaCredentialsAt';
const timeOf = (text: string | null) => (text === null ? null : new Date(text));
