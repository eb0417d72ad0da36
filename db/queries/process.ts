/** The process and its steps: facts increment `version`, steps keep their order, needs tie processes together. */
import { and, eq, gt, inArray, isNotNull, isNull, or, sql } from 'drizzle-orm';
import type { ProcessKind } from '../../domain/process/steps.ts';
import { problemOf } from '../../domain/process/problems.ts';
import { stepsOf } from '../../domain/process/steps.ts';
import { stepMoves } from '../../domain/transitions.ts';
import type { Queryable, Transaction } from '../client.ts';
import { fromNow, inMilliseconds, milliseconds } from '../interval.ts';
import { processes, processNeed, processStep } from '../schema/index.ts';
import { among } from './among.ts';
import { mayMove } from './mayMove.ts';

export interface ProcessRef {
  kind: ProcessKind;
  id: string;
}

export interface StepKey extends ProcessRef {
  round: string;
  step: string;
}

/** Clears a finished step's error columns. */
const settled = {
  problem: null,
  retryAt: null,
  blockedAt: null,
  failingSince: null,
  notBefore: null,
  silentAttempts: 0,
};
export const ofProcess = (ref: ProcessRef) => and(eq(processes.kind, ref.kind), eq(processes.id, ref.id));
export const ofStep = (ref: StepKey) =>
  and(
    eq(processStep.kind, ref.kind),
    eq(processStep.id, ref.id),
    eq(processStep.round, ref.round),
    eq(processStep.step, ref.step),
  );

/** Creates the process's row if it does not exist; `startRound` creates its steps. */
export async function createProcess(
  tx: Queryable,
  organizationId: string,
  ref: ProcessRef & { integrationId?: string | null | undefined; about?: string },
): Promise<void> {
  await tx
    .insert(processes)
    .values({ ...ref, organizationId, integrationId: ref.integrationId ?? null, dueAt: sql`now()` })
    .onConflictDoNothing();
}

/** Locks the process's row until the transaction ends. */
export async function lockProcess(tx: Transaction, ref: ProcessRef): Promise<void> {
  await tx.select({ id: processes.id }).from(processes).where(ofProcess(ref)).for('update');
}

/**
 * Begins a round and creates its steps; steps that are not needed are `skipped`. Beginning it again changes nothing.
 */
export async function startRound(
  tx: Transaction,
  ref: ProcessRef & { round: string },
  skipped: readonly string[] = [],
): Promise<void> {
  await tx
    .insert(processStep)
    .values(
      stepsOf[ref.kind].map((step, position) => ({
        ...ref,
        step,
        position,
        state: skipped.includes(step) ? ('skipped' as const) : ('waiting' as const),
      })),
    )
    .onConflictDoNothing();
  await tx
    .update(processes)
    .set({ round: ref.round, roundStartedAt: sql`now()` })
    .where(ofProcess(ref));
}

/**
 * Begins one round of several processes of an integration; a round that was begun before begins anew. The processes
 * begin parked: the caller tracks which are still to be woken.
 *
 * @param of.dueInMs milliseconds until the processes' first timer
 * @param of.states states of the steps that do not begin `waiting`
 * @param of.processes ids of the processes, and the subject of each (`about`)
 */
export async function beginRounds(
  tx: Queryable,
  of: {
    kind: ProcessKind;
    organizationId: string;
    integrationId: string;
    round: string;
    dueInMs: number;
    states: Readonly<Record<string, 'done' | 'skipped'>>;
    processes: readonly { id: string; about: string }[];
  },
): Promise<void> {
  const rows = JSON.stringify(of.processes);
  const dueAt = fromNow(of.dueInMs);
  await tx.execute(sql`
    insert into process as p (kind, id, organization_id, integration_id, about, round, due_at)
    select ${of.kind}, r.id, ${of.organizationId}::uuid, ${of.integrationId}::uuid, r.about, ${of.round}, ${dueAt}
      from jsonb_to_recordset(${rows}::jsonb) as r(id text, about text)
    on conflict (kind, id) do update
       set round = excluded.round, round_started_at = now(), version = p.version + 1, due_at = excluded.due_at, sweeps = 0`);
  const steps = JSON.stringify(
    stepsOf[of.kind].map((step, position) => ({ step, position, state: of.states[step] ?? 'waiting' })),
  );
  await tx.execute(sql`
    insert into process_step as s (kind, id, round, step, position, state, done_at)
    select ${of.kind}, r.id, ${of.round}, t.step, t.position, t.state, case when t.state <> 'waiting' then now() end
      from jsonb_to_recordset(${rows}::jsonb) as r(id text)
     cross join jsonb_to_recordset(${steps}::jsonb) as t(step text, position int, state text)
    on conflict (kind, id, round, step) do update
       set state = excluded.state, done_at = excluded.done_at, started_at = null, problem = null, retry_at = null,
           blocked_at = null, failing_since = null, not_before = null, remind_at = null, accepted = null,
           silent_attempts = 0`);
}

/**
 * Records that a fact was committed for this process, which must look again now. Part of the fact's own transaction.
 */
export async function commitFact(tx: Queryable, ref: ProcessRef): Promise<void> {
  await tx
    .update(processes)
    .set({ version: sql`${processes.version} + 1`, dueAt: sql`now()`, sweeps: 0 })
    .where(ofProcess(ref));
}

/**
 * When a process without a timer is looked at again: a finished one only after a fact (null); one that waits for a person after a
 * day, so that a workflow that was terminated meanwhile comes back.
 */
const withoutTimer = sql`case when exists (
  select from process_step s
   where (s.kind, s.id, s.round) = (process.kind, process.id, process.round) and s.state not in ('done', 'skipped')
) then now() + interval '24 hours' end`;

/**
 * Parks a process until its next timer, or until a fact if there is none.
 *
 * @param dueInMs milliseconds until the timer; null = it has none
 * @returns false, with nothing changed, when a fact arrived since the caller saw `version`
 */
export async function parkProcess(
  db: Queryable,
  ref: ProcessRef & { version: number; dueInMs: number | null },
): Promise<boolean> {
  const parked = await db
    .update(processes)
    .set({ dueAt: ref.dueInMs === null ? withoutTimer : fromNow(ref.dueInMs), sweeps: 0 })
    .where(and(ofProcess(ref), eq(processes.version, ref.version)))
    .returning({ id: processes.id });
  return parked.length > 0;
}

/**
 * Records that an attempt begins. A blocked step keeps its `blocked_at` and its problem until the attempt has made progress,
 * so that it is shown as blocked all the while (`shownState`).
 *
 * @returns how many attempts in a row have begun without an answer, including this one; undefined when the step is
 *   already finished, so that nothing is done twice
 */
export async function beginStep(db: Queryable, ref: StepKey): Promise<number | undefined> {
  const [begun] = await db
    .update(processStep)
    .set({
      state: stepMoves.begin.to,
      startedAt: sql`coalesce(${processStep.startedAt}, now())`,
      retryAt: null,
      notBefore: null,
      silentAttempts: sql`${processStep.silentAttempts} + 1`,
    })
    .where(and(ofStep(ref), mayMove(processStep.state, stepMoves.begin)))
    .returning({ silentAttempts: processStep.silentAttempts });
  return begun?.silentAttempts;
}

/**
 * Marks a step done, in its effect's transaction.
 *
 * @returns false when the step was already finished: the effect must not be repeated
 */
export async function finishStep(tx: Queryable, ref: StepKey, state: 'done' | 'skipped' = 'done'): Promise<boolean> {
  const done = await tx
    .update(processStep)
    .set({ state, ...settled, doneAt: sql`now()` })
    .where(and(ofStep(ref), mayMove(processStep.state, stepMoves[state])))
    .returning({ step: processStep.step });
  return done.length > 0;
}

/** Finishes steps of several processes in one statement; each process must have only one round. */
export async function finishSteps(
  tx: Queryable,
  of: { kind: ProcessKind; ids: readonly string[]; steps: readonly string[]; state: 'done' | 'skipped' },
): Promise<void> {
  await tx
    .update(processStep)
    .set({ state: of.state, ...settled, doneAt: sql`now()` })
    .where(
      and(
        eq(processStep.kind, of.kind),
        among(processStep.id, of.ids),
        inArray(processStep.step, [...of.steps]),
        mayMove(processStep.state, stepMoves[of.state]),
      ),
    );
}

/** Records that a fact was committed for several processes. */
export async function commitFacts(tx: Queryable, of: { kind: ProcessKind; ids: readonly string[] }): Promise<void> {
  await tx
    .update(processes)
    .set({ version: sql`${processes.version} + 1`, dueAt: sql`now()`, sweeps: 0 })
    .where(and(eq(processes.kind, of.kind), among(processes.id, of.ids)));
}

/**
 * Whether an attempt of a step may be running. Locks the step's row, so that the step cannot finish before the
 * transaction ends.
 */
export async function isUnderWay(tx: Transaction, ref: StepKey): Promise<boolean> {
  const [row] = await tx.select({ state: processStep.state }).from(processStep).where(ofStep(ref)).for('update');
  return row?.state === 'running';
}

/** Whether a step is blocked. Locks the step's row, so that its state cannot change before the transaction ends. */
export async function isBlocked(tx: Transaction, ref: StepKey): Promise<boolean> {
  const [row] = await tx.select({ state: processStep.state }).from(processStep).where(ofStep(ref)).for('update');
  return row?.state === 'blocked';
}

/**
 * Sets steps back to `waiting`: steps that must be done again (a released run), or blocked steps that may now succeed
 * (`onlyBlocked`: new credentials).
 */
export async function reopenSteps(
  tx: Queryable,
  ref: { kind: ProcessKind; round: string; steps: readonly string[]; onlyBlocked?: boolean } & (
    | { id: string }
    | { ids: readonly string[] }
  ),
): Promise<void> {
  await tx
    .update(processStep)
    // A person's acceptance applied to the round as it was before, so it is cleared.
    .set({
      state: stepMoves.redo.to,
      doneAt: null,
      problem: null,
      retryAt: null,
      blockedAt: null,
      failingSince: null,
      accepted: null,
    })
    .where(
      and(
        eq(processStep.kind, ref.kind),
        'ids' in ref ? among(processStep.id, ref.ids) : eq(processStep.id, ref.id),
        eq(processStep.round, ref.round),
        inArray(processStep.step, [...ref.steps]),
        mayMove(processStep.state, ref.onlyBlocked ? stepMoves.free : stepMoves.redo),
      ),
    );
}

/** Makes steps run again from now on: a round that another process did for them earlier does not satisfy them. */
export async function redoSteps(
  tx: Queryable,
  ref: ProcessRef & { round: string; steps: readonly string[] },
): Promise<void> {
  await reopenSteps(tx, ref);
  await tx
    .delete(processNeed)
    .where(
      and(
        eq(processNeed.kind, ref.kind),
        eq(processNeed.id, ref.id),
        eq(processNeed.round, ref.round),
        inArray(processNeed.step, [...ref.steps]),
      ),
    );
  await tx
    .update(processes)
    .set({ roundStartedAt: sql`now()` })
    .where(ofProcess(ref));
  await commitFact(tx, ref);
}

/** Retries every blocked step of the round under way: new credentials may free any of them. */
export async function reopenBlocked(tx: Queryable, ref: ProcessRef): Promise<void> {
  await tx
    .update(processStep)
    .set({
      state: stepMoves.free.to,
      problem: null,
      retryAt: null,
      blockedAt: null,
      failingSince: null,
      accepted: null,
    })
    .where(
      and(
        eq(processStep.kind, ref.kind),
        eq(processStep.id, ref.id),
        mayMove(processStep.state, stepMoves.free),
        sql`${processStep.round} = (select p.round from process p where p.kind = ${ref.kind} and p.id = ${ref.id})`,
      ),
    );
}

/** Ends a process permanently: its unfinished steps are skipped, and it no longer waits for any other process. */
export async function endProcess(tx: Queryable, ref: ProcessRef): Promise<void> {
  await tx
    .update(processNeed)
    .set({ satisfiedAt: sql`now()` })
    .where(and(eq(processNeed.kind, ref.kind), eq(processNeed.id, ref.id), isNull(processNeed.satisfiedAt)));
  await tx
    .update(processStep)
    .set({ state: stepMoves.skipped.to, doneAt: sql`now()`, problem: null, retryAt: null, blockedAt: null })
    .where(
      and(eq(processStep.kind, ref.kind), eq(processStep.id, ref.id), mayMove(processStep.state, stepMoves.skipped)),
    );
  await commitFact(tx, ref);
}

/**
 * Stores an attempt's failure. `what` may quote the outside system, so it stays in the database.
 *
 * @param failure.retryAfterMs the outside system's `Retry-After`, in milliseconds
 * @param failure.attempt the number of the attempt that failed, and `againInMs` after how many milliseconds the next begins: for
 *   whoever looks on
 * @param shownMs the process is to be told when the step has failed for this long, in milliseconds; undefined = never
 * @returns how long this step has had transient failures, in milliseconds; and how many attempts in a row have failed
 *   with the same code and the same text; and whether the process is to be told now
 */
export async function noteFailure(
  db: Queryable,
  ref: StepKey,
  failure: {
    code: string;
    what: string;
    retryAfterMs?: number | undefined;
    attempt?: number;
    againInMs?: number;
    status?: number;
    route?: string;
  },
  shownMs?: number,
): Promise<{ failingMs: number; times: number; tell: boolean }> {
  const { code, what, retryAfterMs: _, attempt = 1, againInMs, ...call } = failure;
  const problem = JSON.stringify({ ...problemOf(code, what), ...call });
  const told = sql`(${processStep.problem} ->> 'toldAt')::timestamptz`;
  // It is told when it has failed for long, and again every hour.
  const tells = sql`coalesce(${processStep.failingSince} < now() - ${milliseconds(shownMs ?? 0)} and ${shownMs !== undefined}::boolean
    and (${told} is null or ${told} < ${processStep.failingSince} or ${told} < now() - interval '1 hour'), false)`;
  const times = sql`case when ${processStep.problem} @> (${problem}::jsonb - 'todo')
    then coalesce((${processStep.problem} ->> 'times')::int, 1) + 1 else 1 end`;
  const [row] = await db
    .update(processStep)
    .set({
      problem: sql`${problem}::jsonb || jsonb_build_object('times', ${times}, 'toldAt', case when ${tells} then now() else ${told} end,
        'blockedAs', case when ${processStep.blockedAt} is not null
                          then coalesce(${processStep.problem} -> 'blockedAs', ${processStep.problem} -> 'code') end,
        'attempt', ${attempt}::int, 'againAt', ${againInMs === undefined ? sql`null::timestamptz` : fromNow(againInMs)})`,
      failingSince: sql`coalesce(${processStep.failingSince}, now())`,
      notBefore: failure.retryAfterMs === undefined ? null : fromNow(failure.retryAfterMs),
    })
    .where(and(ofStep(ref), mayMove(processStep.state, stepMoves.block)))
    .returning({
      failingMs: inMilliseconds<number>(sql`now() - ${processStep.failingSince}`),
      times: sql<number>`(${processStep.problem} ->> 'times')::int`,
      tell: sql<boolean>`coalesce(${told} = now(), false)`,
    });
  return row ?? { failingMs: 0, times: 0, tell: false };
}

/** Records that an attempt answered, with success or failure: it did not time out. */
export async function noteAnswer(db: Queryable, ref: StepKey): Promise<void> {
  await db.update(processStep).set({ silentAttempts: 0 }).where(ofStep(ref));
}

/**
 * Records that an attempt made progress: earlier failures no longer count, and what was blocked is not blocked any more.
 *
 * @returns whether the step was shown as blocked or retrying, so that its process is to be told
 */
export async function noteProgress(tx: Queryable, ref: StepKey): Promise<boolean> {
  const [row] = await tx
    .update(processStep)
    .set({ failingSince: null, notBefore: null, blockedAt: null })
    .where(and(ofStep(ref), or(isNotNull(processStep.failingSince), isNotNull(processStep.blockedAt))))
    // Such a query sees the row as it was before.
    .returning({
      shown: sql<boolean>`(select b.blocked_at is not null or coalesce((b.problem ->> 'toldAt')::timestamptz >= b.failing_since, false)
        from process_step b where (b.kind, b.id, b.round, b.step) = (${ref.kind}, ${ref.id}, ${ref.round}, ${ref.step}))`,
    });
  await noteAlive(tx, ref);
  return row?.shown ?? false;
}

/**
 * Records that the process made progress. If the sweep has taken the process meanwhile, the sweep's backoff is reset:
 * if the workflow is lost now, the sweep finds it as soon as a process that was never swept, and not an hour later.
 */
export async function noteAlive(tx: Queryable, ref: ProcessRef): Promise<void> {
  await tx
    .update(processes)
    .set({ sweeps: 0, dueAt: sql`now()` })
    .where(and(ofProcess(ref), gt(processes.sweeps, 0)));
}

/**
 * Blocks a step with this problem code; its text, status and route are those that the last attempt stored, if any.
 *
 * @param problem.retryInMs milliseconds until the step is retried by itself; the outside system's `Retry-After` may
 *   delay the retry further
 */
export async function blockStep(
  tx: Queryable,
  ref: StepKey,
  problem: { code: string; retryInMs?: number | undefined },
): Promise<void> {
  const retryAt =
    problem.retryInMs === undefined ? null : sql`greatest(${fromNow(problem.retryInMs)}, ${processStep.notBefore})`;
  const fallback = JSON.stringify(problemOf(problem.code, ''));
  await tx
    .update(processStep)
    .set({
      state: stepMoves.block.to,
      blockedAt: sql`now()`,
      retryAt,
      failingSince: null,
      problem: sql`${fallback}::jsonb || jsonb_strip_nulls(jsonb_build_object(
        'what', ${processStep.problem} -> 'what', 'status', ${processStep.problem} -> 'status', 'route', ${processStep.problem} -> 'route'))`,
    })
    .where(and(ofStep(ref), mayMove(processStep.state, stepMoves.block)));
}

export interface DueProcess extends ProcessRef {
  organizationId: string;
  integrationId: string | null;
}

/**
 * The process's organization and integration, which waking it needs, and its current round and when that round started.
 */
export async function ownerOf(
  db: Queryable,
  ref: ProcessRef,
): Promise<(DueProcess & { round: string; roundStartedAt: Date }) | undefined> {
  const [row] = await db
    .select({
      organizationId: processes.organizationId,
      integrationId: processes.integrationId,
      round: processes.round,
      roundStartedAt: processes.roundStartedAt,
    })
    .from(processes)
    .where(ofProcess(ref));
  return row ? { kind: ref.kind, id: ref.id, ...row } : undefined;
}

/** Completes a step that a fact from a person or a vendor completes, in the fact's own transaction. */
export async function completeByFact(tx: Transaction, ref: StepKey): Promise<boolean> {
  const done = await finishStep(tx, ref);
  if (done) await commitFact(tx, ref);
  return done;
}
