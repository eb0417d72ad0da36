/** Needs: a step of one process that waits for a round of another process. */
import { and, eq, isNull, lte, sql } from 'drizzle-orm';
import type { Wakeable } from '../../domain/process/ids.ts';
import type { Queryable, Transaction } from '../client.ts';
import { processes, processNeed } from '../schema/index.ts';
import { commitFact, finishStep, type ProcessRef, type StepKey } from './process.ts';

const isOpenFor = (other: ProcessRef) =>
  and(eq(processNeed.otherKind, other.kind), eq(processNeed.otherId, other.id), isNull(processNeed.satisfiedAt));
const isOfWaiter = and(eq(processes.kind, processNeed.kind), eq(processes.id, processNeed.id));
const waiter = {
  kind: processes.kind,
  id: processes.id,
  organizationId: processes.organizationId,
  integrationId: processes.integrationId,
};

/**
 * Registers that a step waits for a round of another process that started no earlier than this process's round. The
 * start time comes from the process's row: with a new time, a workflow that was terminated would ask for a second
 * round.
 */
export async function registerNeed(tx: Transaction, ref: StepKey, other: ProcessRef): Promise<void> {
  await tx.execute(sql`
    insert into process_need (kind, id, round, step, other_kind, other_id, not_before)
    select p.kind, p.id, ${ref.round}, ${ref.step}, ${other.kind}, ${other.id}, p.round_started_at
      from process p where p.kind = ${ref.kind} and p.id = ${ref.id}
    on conflict do nothing`);
}

/** Whether any process still waits for a round of this process. */
export async function hasOpenNeed(tx: Queryable, other: ProcessRef): Promise<boolean> {
  const rows = await tx.select({ id: processNeed.id }).from(processNeed).where(isOpenFor(other)).limit(1);
  return rows.length > 0;
}

/**
 * Satisfies the needs that a round which started at `startedAt` covers, completes their steps, and makes the waiting
 * processes look again. Called in the transaction that makes the round's data visible.
 *
 * @returns the processes to wake after the commit
 */
export async function satisfyNeeds(tx: Transaction, other: ProcessRef, startedAt: Date): Promise<Wakeable[]> {
  const met = await tx
    .update(processNeed)
    .set({ satisfiedAt: sql`now()` })
    .from(processes)
    .where(and(isOfWaiter, isOpenFor(other), lte(processNeed.notBefore, startedAt)))
    .returning({ round: processNeed.round, step: processNeed.step, waiter });
  for (const { waiter, ...need } of met) {
    await finishStep(tx, { ...waiter, ...need });
    await commitFact(tx, waiter);
  }
  return met.map(({ waiter }) => waiter);
}

/** Lists the processes that wait for this process now. */
export async function listWaiters(db: Queryable, other: ProcessRef): Promise<Wakeable[]> {
  return db.select(waiter).from(processNeed).innerJoin(processes, isOfWaiter).where(isOpenFor(other));
}
