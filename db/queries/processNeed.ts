/** Needs: a step of one process that waits for a round of another one. */
import { and, eq, isNull, sql } from 'drizzle-orm';
import type { ProcessKind } from '../../domain/process/steps.ts';
import type { Queryable, Transaction } from '../client.ts';
import { processNeed } from '../schema/index.ts';
import { commitFact, finishStep, type ProcessRef, type StepKey } from './process.ts';

/**
 * Registers that a step waits for a round of another process that started at or after this one's round did. The time
 * comes from the row: taken anew, a workflow that was terminated would ask for a second round.
 */
export async function registerNeed(tx: Transaction, ref: StepKey, other: ProcessRef): Promise<void> {
  await tx.execute(sql`
    insert into process_need (kind, id, round, step, other_kind, other_id, not_before)
    select p.kind, p.id, ${ref.round}, ${ref.step}, ${other.kind}, ${other.id}, p.round_started_at
      from process p where p.kind = ${ref.kind} and p.id = ${ref.id}
    on conflict do nothing`);
}

/** Whether somebody still waits for a round of this process. */
export async function hasOpenNeed(tx: Queryable, other: ProcessRef): Promise<boolean> {
  const rows = await tx
    .select({ id: processNeed.id })
    .from(processNeed)
    .where(
      and(eq(processNeed.otherKind, other.kind), eq(processNeed.otherId, other.id), isNull(processNeed.satisfiedAt)),
    )
    .limit(1);
  return rows.length > 0;
}

/**
 * Satisfies the needs that a round which started at `startedAt` covers, completes their steps, and makes the waiting
 * processes look again. In the transaction that made the round's data visible.
 *
 * @returns the processes to wake after the commit
 */
export async function satisfyNeeds(tx: Transaction, other: ProcessRef, startedAt: Date): Promise<ProcessRef[]> {
  const { rows: met } = await tx.execute<{ kind: ProcessKind; id: string; round: string; step: string }>(sql`
    update process_need set satisfied_at = now()
     where other_kind = ${other.kind} and other_id = ${other.id} and satisfied_at is null
       and not_before <= ${startedAt.toISOString()}::timestamptz
    returning kind, id, round, step`);
  for (const need of met) {
    await finishStep(tx, need);
    await commitFact(tx, need);
  }
  return met.map(({ kind, id }) => ({ kind, id }));
}

/** Processes that wait for this one now. */
export async function listWaiters(db: Queryable, other: ProcessRef): Promise<ProcessRef[]> {
  return db
    .select({ kind: processNeed.kind, id: processNeed.id })
    .from(processNeed)
    .where(
      and(eq(processNeed.otherKind, other.kind), eq(processNeed.otherId, other.id), isNull(processNeed.satisfiedAt)),
    );
}
