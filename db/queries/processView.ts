/** Reads the state of a process and its steps, for its workflow and for the API. */
import { and, eq, inArray, sql } from 'drizzle-orm';
import { groupBy } from '../../domain/groupBy.ts';
import type { Problem } from '../../domain/process/problems.ts';
import { workflowIdOf } from '../../domain/process/ids.ts';
import type { Whose } from '../../domain/process/remedies.ts';
import type { ProcessKind, ProcessView, StepState, StepView } from '../../domain/process/steps.ts';
import type { Stop } from '../../domain/process/stops.ts';
import type { Database, Queryable } from '../client.ts';
import { inMilliseconds } from '../interval.ts';
import { processes, processStep } from '../schema/index.ts';
import { among } from './among.ts';
import { countLines } from './approvals.ts';
import { ofProcess, type ProcessRef } from './process.ts';
import { connectionOf, isFailing, isPausing, knownOf, shownState, stepFacts, type StoredFacts } from './stepFacts.ts';
import { stopsOf } from './stops.ts';

/** An attempt of a step at work that failed and will be made again: for whoever looks on while it is made. */
interface Trying {
  attempt: number;
  /** What went wrong; may quote the outside system. */
  what: string;
  /** When the next attempt begins; null = that is not known. */
  againAt: string | null;
}

/** The last attempt of a step at work, if it failed (`Trying`). @param alias alias of `process_step` in the statement */
const trying = (alias: string) => {
  const s = sql.raw(alias);
  return sql<Trying | null>`case when ${isFailing(alias)}
    then jsonb_build_object('attempt', coalesce(${s}.problem -> 'attempt', '1'), 'what', ${s}.problem ->> 'what',
      'againAt', to_char((${s}.problem ->> 'againAt')::timestamptz at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) end`;
};

/** The most integrations by which a process is found: the value of a search attribute may have 2 KB in Temporal. */
const maxSearched = 50;

/**
 * Reads the view of a process for its workflow: ids, states and codes only (invariant 7). Durations are measured here,
 * by the database's clock only.
 *
 * @returns undefined when there is no such process
 */
export async function lookAtProcess(
  db: Database,
  ref: ProcessRef,
): Promise<
  | (Pick<ProcessView, 'version' | 'round' | 'about' | 'lines' | 'dueInMs' | 'steps' | 'stops'> & {
      whose: Whose;
      integrationIds: string[];
      integrationId: string | null;
      /** The kind of its PSA. `whose.vendor` is the id of its vendor. */
      psaKind: string | null;
    })
  | undefined
> {
  const { rows } = await db.execute<{
    version: string;
    round: string;
    integration_id: string | null;
    integrations: string[] | null;
    organization: string;
    vendor: string | null;
    modules: string[] | null;
    psa: string | null;
    psa_kind: string | null;
    psa_connection_id: string | null;
    about: string | null;
    due_in_ms: number | null;
    facts: StoredFacts | null;
    retry_in_ms: number | null;
    blocked_for_ms: number | null;
    failing_for_ms: number | null;
    remind_in_ms: number | null;
    stops: Stop[] | null;
  }>(sql`
    select p.version, p.round, p.integration_id, using_it.ids as integrations, org.name as organization, i.vendor, i.modules, p.about,
           c.name as psa, c.kind as psa_kind, c.id as psa_connection_id,
           case when s.step is not null then ${stepFacts('s')} end as facts,
           ${inMilliseconds(sql`p.due_at - now()`)} as due_in_ms,
           ${inMilliseconds(sql`s.retry_at - now()`)} as retry_in_ms,
           ${inMilliseconds(sql`now() - s.blocked_at`)} as blocked_for_ms,
           ${inMilliseconds(sql`now() - s.failing_since`)} as failing_for_ms,
           ${inMilliseconds(sql`s.remind_at - now()`)} as remind_in_ms,
           ${stopsOf(ref)} as stops
      from process p
      join organization org on org.id = p.organization_id
      left join integration i on i.id = p.integration_id
      left join psa_connection c on c.id = ${connectionOf('p')}
      -- What belongs to a PSA connection is found by the id of each integration that uses it.
      left join lateral (select jsonb_agg(u.id) as ids from (
        select u.id from integration u where u.psa_connection_id = c.id and u.disconnected_at is null
         order by u.created_at, u.id limit ${maxSearched}) u) using_it on p.integration_id is null
      left join process_step s on (s.kind, s.id, s.round) = (p.kind, p.id, p.round)
     where p.kind = ${ref.kind} and p.id = ${ref.id}
     order by s.position`);
  const [first] = rows;
  if (!first) return undefined;
  const steps = rows.flatMap((row): StepView[] => {
    if (!row.facts) return [];
    const { whose: _, ...known } = knownOf(row.facts);
    const blocked = known.state === 'blocked';
    return [
      {
        ...known,
        ...(blocked && row.retry_in_ms !== null ? { retryInMs: Math.max(0, Math.ceil(row.retry_in_ms)) } : {}),
        ...(blocked && row.blocked_for_ms !== null ? { blockedForMs: Math.round(row.blocked_for_ms) } : {}),
        ...(row.failing_for_ms === null ? {} : { failingForMs: Math.round(row.failing_for_ms) }),
        ...(row.remind_in_ms === null ? {} : { remindInMs: Math.ceil(row.remind_in_ms) }),
      },
    ];
  });
  const next = steps.find((step) => step.state !== 'done' && step.state !== 'skipped');
  if (next) next.next = true;
  const integrationIds = first.integration_id === null ? (first.integrations ?? []) : [first.integration_id];
  const ofRefresh = ref.kind === 'refreshPsa' && integrationIds.length === 1 ? integrationIds[0] : undefined;
  const integrationId = first.integration_id ?? ofRefresh;
  return {
    version: Number(first.version),
    round: first.round,
    integrationId: first.integration_id,
    integrationIds,
    psaKind: first.psa_kind,
    whose: {
      organization: first.organization,
      ...(first.vendor === null ? {} : { vendor: first.vendor }),
      ...(integrationId === undefined ? {} : { integrationId }),
      ...(first.psa === null ? {} : { psa: first.psa }),
      ...(first.psa_connection_id === null ? {} : { psaConnectionId: first.psa_connection_id }),
      ...(first.modules?.includes('billing') === false ? { alertsOnly: true } : {}),
    },
    ...(first.about === null ? {} : { about: first.about }),
    ...(ref.kind === 'approveUsage' ? { lines: await countLines(db, ref.id) } : {}),
    dueInMs: first.due_in_ms === null ? null : Math.ceil(first.due_in_ms),
    steps,
    ...(first.stops ? { stops: first.stops } : {}),
  };
}

/** A step with the full text of its problem, for the API. */
export type StepRow = Awaited<ReturnType<typeof listSteps>>[number];

/** Lists the steps of a process. @param round absent = the round under way */
export async function listSteps(db: Queryable, ref: ProcessRef, round?: string) {
  const ofRound = round ? eq(processStep.round, round) : isUnderWay;
  const rows = await selectSteps(db)
    .where(and(ofProcess(ref), ofRound))
    .orderBy(processStep.position);
  return rows.map(({ row }) => ofStep(row));
}

/**
 * Lists the steps of many processes, each in its round under way, with one statement.
 *
 * @param kinds the kinds of the processes
 * @param ids their business ids; every kind is looked for with every id
 * @returns a function that gives the steps of one of these processes; none for a process that has not begun
 */
export async function listStepsOfMany(db: Queryable, kinds: readonly ProcessKind[], ids: readonly string[]) {
  const rows = await selectSteps(db)
    .where(and(inArray(processes.kind, [...kinds]), among(processes.id, ids), isUnderWay))
    .orderBy(processStep.position);
  const steps = groupBy(rows, ({ kind, id }) => workflowIdOf(kind, id));
  return ({ kind, id }: ProcessRef): StepRow[] =>
    (steps.get(workflowIdOf(kind, id)) ?? []).map(({ row }) => ofStep(row));
}

const isUnderWay = eq(processStep.round, processes.round);

function selectSteps(db: Queryable) {
  return db
    .select({
      kind: processStep.kind,
      id: processStep.id,
      row: {
        step: processStep.step,
        state: shownState('process_step'),
        problem: processStep.problem,
        retryAt:
          sql`case when ${isPausing('process_step')} then ${processStep.notBefore} else ${processStep.retryAt} end`.mapWith(
            processStep.retryAt,
          ),
        facts: stepFacts('process_step'),
        trying: trying('process_step'),
        startedAt: processStep.startedAt,
        doneAt: processStep.doneAt,
      },
    })
    .from(processStep)
    .innerJoin(processes, and(eq(processes.kind, processStep.kind), eq(processes.id, processStep.id)))
    .$dynamic();
}

/** The row keeps a failed attempt's problem while the step is still retried; it counts only once the step is blocked. */
function ofStep<Row extends { state: StepState; problem: Problem | null; facts: StoredFacts }>(row: Row) {
  const known = knownOf(row.facts);
  const problem =
    row.state === 'blocked' && row.problem ? { ...row.problem, code: known.problem ?? row.problem.code } : null;
  return { ...row, facts: known, pausing: known.pausedUntil !== undefined, problem };
}

/** Whether a step of the round under way is `done`; a `skipped` step does not count as done. */
export async function isStepDone(db: Queryable, ref: ProcessRef, step: string): Promise<boolean> {
  return (await listSteps(db, ref)).some((row) => row.step === step && row.state === 'done');
}
