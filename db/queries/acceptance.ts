/** Incomplete lists that a person knowingly accepts, for one step of one round. */
import { and, eq, inArray, isNotNull, isNull, sql } from 'drizzle-orm';
import type { Acceptance } from '../../domain/incomplete.ts';
import type { Queryable, Transaction } from '../client.ts';
import { processStep } from '../schema/index.ts';
import { ofStep, type ProcessRef, type StepKey } from './process.ts';

/**
 * Records that a person accepts incomplete lists, in this step's round only.
 *
 * @returns false when they were already accepted, or the step is not blocked
 */
export async function acceptStep(tx: Transaction, ref: StepKey, by: string): Promise<boolean> {
  const accepted = sql`jsonb_build_object('by', ${by}::text, 'at', to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))`;
  const rows = await tx
    .update(processStep)
    .set({ accepted })
    .where(and(ofStep(ref), eq(processStep.state, 'blocked'), isNull(processStep.accepted)))
    .returning({ step: processStep.step });
  return rows.length > 0;
}

/**
 * Finds a person's acceptance of incomplete lists.
 *
 * @param steps steps of the round of `ref` whose acceptance is looked for
 */
export async function findAcceptance(
  db: Queryable,
  ref: ProcessRef & { round: string },
  steps: readonly string[],
): Promise<Acceptance | undefined> {
  const [row] = await db
    .select({ accepted: processStep.accepted })
    .from(processStep)
    .where(
      and(
        eq(processStep.kind, ref.kind),
        eq(processStep.id, ref.id),
        eq(processStep.round, ref.round),
        inArray(processStep.step, [...steps]),
        isNotNull(processStep.accepted),
      ),
    )
    .limit(1);
  return row?.accepted ?? undefined;
}
