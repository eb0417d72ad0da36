/** The health of integrations, as the API and the metrics show it: stored facts, judged by the rules of domain/health.ts. */
import { Gauge, type Registry } from 'prom-client';
import type { Database } from '../db/client.ts';
import { readHealthFacts, type HealthFacts } from '../db/queries/health.ts';
import { readMeasures } from '../db/queries/measures.ts';
import {
  credentialsHealth,
  healthState,
  isBlocked,
  runsSaid,
  staleAfterMs,
  waitAt,
  waitOf,
  waitOfSchedule,
  waitOfSweep,
} from '../domain/health.ts';
import type { ProcessKind } from '../domain/process/steps.ts';
import { defaultSchedule } from '../domain/schedule.ts';
import type { Environment } from '../environment.ts';
import { sayKnown } from './statement.ts';

/** Seconds from a time until now; null if there is no time. */
const ageSeconds = (time: Date | null, now: Date) =>
  time === null ? null : Math.max(0, Math.round((now.getTime() - time.getTime()) / 1000));

/** Where the API lists the processes of those kinds of which an integration may have many. */
const listsOf: Partial<Record<ProcessKind, (integrationId: string) => string>> = {
  onboardCustomer: (id) => `/v1/onboardings?integrationId=${id}&open=true`,
  deliverAlert: (id) => `/v1/alerts?integrationId=${id}&state=delivering`,
  approveUsage: (id) => `/v1/approvals?integrationId=${id}`,
};

/** Judges the present health of one integration. */
export function judgeHealth(environment: Environment, facts: HealthFacts) {
  const now = new Date();
  const { DEFAULT_SCHEDULE, DEFAULT_TIME_ZONE, CREDENTIALS_MAX_AGE_DAYS } = environment;
  const schedule = facts.schedule ?? defaultSchedule(DEFAULT_SCHEDULE, DEFAULT_TIME_ZONE);
  const limit = staleAfterMs(schedule, now);
  const age = ageSeconds(facts.dataAsOf, now);
  const given = [
    ...(facts.vendorCredentialsAt
      ? [{ of: 'vendor' as const, givenAt: facts.vendorCredentialsAt, expireOn: facts.vendorCredentialsExpireOn }]
      : []),
    { of: 'psa' as const, givenAt: facts.psaCredentialsAt, expireOn: facts.psaCredentialsExpireOn },
  ];
  const credentials = given.map((each) => credentialsHealth(each, now, CREDENTIALS_MAX_AGE_DAYS));
  const warnings = credentials.flatMap(({ warning }) => warning ?? []);
  const sweepWait = waitOfSweep(facts.sweepAgeSeconds, environment.SWEEP_INTERVAL_MS);
  const schedulePaused = facts.connected && !schedule.paused && facts.temporalSchedule?.paused === true;
  const open = facts.openSteps.map(({ kind, workflowId, step, unlisted: count }) => {
    const wait = waitOf(workflowId, step.step, sayKnown(environment, step));
    return { wait, count, list: listsOf[kind]?.(facts.integrationId) ?? null };
  });
  const waits = [
    ...open.map(({ wait }) => wait),
    ...(schedulePaused ? [waitOfSchedule(facts.integrationId)] : []),
    ...(sweepWait ? [sweepWait] : []),
    ...facts.stops.map(({ workflowId, stop }) => waitAt(workflowId, stop)),
  ];
  const stale = facts.connected && limit !== undefined && age !== null && age * 1000 > limit;
  return {
    ...facts,
    state: healthState({ ...facts, waits, stale, warnings }),
    dataAgeSeconds: age,
    dataAgeLimitSeconds: facts.connected && limit !== undefined ? Math.round(limit / 1000) : null,
    stale,
    psaAgeSeconds: ageSeconds(facts.psaAsOf, now),
    nextSyncAt: (facts.connected ? runsSaid(schedule, facts.temporalSchedule, now, 1)[0] : undefined) ?? null,
    waits,
    unlisted: open
      .filter(({ count }) => count > 0)
      .map(({ wait, count, list }) => ({ for: wait.for, code: wait.code ?? null, count, list })),
    credentials,
  };
}

/** Registers metrics whose values are read when Prometheus asks for them. Their labels are our own ids. */
export function registerHealthMetrics(registry: Registry, db: Database, environment: Environment): void {
  let reading: Promise<void> | undefined;
  // All metrics share one reading, whichever is collected first.
  const collect = () => (reading ??= read().finally(() => (reading = undefined)));
  const gauge = (name: string, help: string, labels: string[] = []) =>
    new Gauge({
      name: `countersign_${name}`,
      help,
      labelNames: ['integration', ...labels],
      registers: [registry],
      collect,
    });
  const state = gauge('integration_state', '1 for the state that the integration has', ['state']);
  const age = gauge('data_age_seconds', 'Seconds since the data that is visible was read');
  const waits = gauge('waits', 'Processes that wait, by whom they wait for', ['for']);
  const blocked = gauge('blocked', 'Processes that are blocked, by their problem', ['problem']);
  const held = gauge(
    'held_runs',
    'Runs and readings of the PSA that moved too far, which a person has to release or discard',
  );
  const uncertain = gauge('lines_uncertain', 'Approved lines of which it is not known whether they were written');
  const customers = gauge('customers_waiting', 'New customers that nobody has mapped');
  const alerts = gauge('alerts', 'Alerts that are parked or dead', ['state']);
  const pause = gauge('pause_seconds', 'Seconds until a connection that asked for a pause is called again', ['of']);
  const refused = gauge('refused_posts', 'Accounts and services whose posts are refused');
  const refusedEver = gauge('refused_posts_ever', 'Posts of the vendor that were refused, ever');
  const limit = gauge(
    'data_age_limit_seconds',
    'The age that the data may have, by its schedule; none if it syncs only when asked',
  );
  const wait = gauge('oldest_wait_seconds', 'How long the oldest of its kind has waited', ['kind']);
  const retrying = gauge('retrying_seconds', 'How long every attempt of a step has failed', ['step']);
  const approvalsBlocked = gauge('approvals_blocked', 'Approvals that cannot go on, of the PSA connection');
  const paused = gauge('paused', 'What somebody has paused in the Temporal UI: schedule, activity, sweep', ['of']);
  const swept = new Gauge({
    name: 'countersign_sweep_age_seconds',
    help: 'Seconds since the last sweep came to its end',
    registers: [registry],
    collect,
  });
  const credentials = gauge('credentials_age_days', 'Days since credentials were given', ['of']);

  async function read(): Promise<void> {
    // While the database is away, other metrics are still collected; these then have no value.
    const [all, measures] = await Promise.all([
      readHealthFacts(db, environment.RETRYING_SHOWN_MS),
      readMeasures(db),
    ]).catch(() => [[], []]);
    for (const each of [
      state,
      age,
      waits,
      blocked,
      held,
      uncertain,
      customers,
      alerts,
      refused,
      refusedEver,
      pause,
      credentials,
      limit,
      wait,
      retrying,
      approvalsBlocked,
      paused,
      swept,
    ])
      each.reset();
    // Without a sweep there is no age, rather than an age of 0.
    if (!measures.some(({ name }) => name === 'sweep_age')) swept.remove();
    for (const { name, integration, of, value } of measures) {
      // What is of the whole installation has an empty label.
      const labels = { integration: integration ?? '' };
      if (name === 'wait') wait.set({ ...labels, kind: of }, value);
      else if (name === 'retrying') retrying.set({ ...labels, step: of }, value);
      else if (name === 'approvals_blocked') approvalsBlocked.set(labels, value);
      else if (name === 'paused') paused.set({ ...labels, of }, value);
      else swept.set(value);
    }
    for (const facts of all) {
      const health = judgeHealth(environment, facts);
      const integration = facts.integrationId;
      state.set({ integration, state: health.state }, 1);
      if (health.dataAgeSeconds !== null) age.set({ integration }, health.dataAgeSeconds);
      if (health.dataAgeLimitSeconds !== null) limit.set({ integration }, health.dataAgeLimitSeconds);
      for (const { for: whom, code, count } of [
        ...health.waits.map((wait) => ({ ...wait, count: 1 })),
        ...health.unlisted,
      ]) {
        waits.inc({ integration, for: whom }, count);
        if (isBlocked(code)) blocked.inc({ integration, problem: code }, count);
      }
      held.set({ integration }, facts.heldRuns + facts.heldRefreshes);
      uncertain.set({ integration }, facts.linesUncertain);
      customers.set({ integration }, facts.customersWaiting);
      alerts.set({ integration, state: 'parked' }, facts.alertsParked);
      alerts.set({ integration, state: 'dead' }, facts.alertsDead);
      pause.set({ integration, of: 'vendor' }, facts.vendorPauseSeconds);
      pause.set({ integration, of: 'psa' }, facts.psaPauseSeconds);
      refused.set({ integration }, facts.refusedPosts);
      refusedEver.set({ integration }, facts.refusedPostsEver);
      for (const each of health.credentials) credentials.set({ integration, of: each.of }, each.ageDays);
    }
  }
}
