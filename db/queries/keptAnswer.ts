/** Kept answers, which a step's next attempt does not need to request again. */
import { and, eq, gt, lt, sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { keptAnswer } from '../schema/index.ts';
import { among } from './among.ts';
import type { StepKey } from './process.ts';

export interface KeptAnswer {
  question: string;
  part: string;
  status: number;
  headers: Record<string, string>;
  text: string | null;
}

/** Answers kept before this time are not used: a step that was not tried for so long needs current answers. */
const oldest = sql`now() - interval '1 day'`;

const ofStep = (ref: StepKey) =>
  and(
    eq(keptAnswer.kind, ref.kind),
    eq(keptAnswer.id, ref.id),
    eq(keptAnswer.round, ref.round),
    eq(keptAnswer.step, ref.step),
  );

/** Lists the questions for which a step has kept answers, without the answers, which may be large. */
export async function listKept(db: Queryable, ref: StepKey): Promise<{ question: string; part: string }[]> {
  return db
    .select({ question: keptAnswer.question, part: keptAnswer.part })
    .from(keptAnswer)
    .where(and(ofStep(ref), gt(keptAnswer.keptAt, oldest)));
}

export async function findKept(db: Queryable, ref: StepKey, question: string): Promise<KeptAnswer | undefined> {
  const [row] = await db
    .select()
    .from(keptAnswer)
    .where(and(ofStep(ref), eq(keptAnswer.question, question)));
  return row;
}

/** Stores any number of answers in one statement; deletes answers that are too old, of steps that are long over. */
export async function storeKept(tx: Queryable, ref: StepKey, answers: readonly KeptAnswer[]): Promise<void> {
  const { kind, id, round, step } = ref;
  await tx.delete(keptAnswer).where(lt(keptAnswer.keptAt, oldest));
  await tx.execute(sql`
    insert into kept_answer (kind, id, round, step, question, part, status, headers, text)
    select ${kind}, ${id}, ${round}, ${step}, r.question, r.part, r.status, r.headers, r.text
      from jsonb_to_recordset(${JSON.stringify(answers)}::jsonb)
           as r(question text, part text, status int, headers jsonb, text text)
    on conflict (kind, id, round, step, question) do update
       set part = excluded.part, status = excluded.status, headers = excluded.headers, text = excluded.text, kept_at = now()`);
}

/** Deletes a step's kept answers. @param parts only those of these parts of the step's work; absent = all */
export async function dropKept(tx: Queryable, ref: StepKey, parts?: readonly string[]): Promise<void> {
  await tx.delete(keptAnswer).where(and(ofStep(ref), parts ? among(keptAnswer.part, parts) : undefined));
}
