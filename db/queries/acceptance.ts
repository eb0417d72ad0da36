/** Lists that are not whole, which a person takes knowingly: for one step of one round. */
import { and, eq, inArray, isNotNull, isNull, sql } from 'drizzle-orm';
import type { Acceptance } from '../../domain/incomplete.ts';
import type { Queryable, Transaction } from '../client.ts';
import { processStep } from '../schema/index.ts';
import { ofStep, type ProcessRef, type StepKey } from './process.ts';

/** A person takes lists that are not whole, in this step's round only. @returns false when somebody has already, or it is not blocked */
export async function acceptStep(tx: Transaction, ref: StepKey, by: string): Promise<boolean> {
  const accepted = sql`jsonb_build_object('by', ${by}::text, 'at', to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))`;
  const rows = await tx
    .update(processStep)
    .set({ accepted })
    .where(and(ofStep(ref), eq(processStep.state, 'blocked'), isNull(processStep.accepted)))
    .returning({ step: processStep.step });
  return rows.length > 0;
}

/** @param steps of the round of `ref`: the first one that a person has accepted */
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
