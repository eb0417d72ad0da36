/** Faults of the database, made with a trigger or a constraint: a step held within its transaction, a table that refuses rows. */
import { sql } from 'drizzle-orm';
import { openConnection } from '../../db/client.ts';
import type { ProcessKind } from '../../domain/process/steps.ts';
import type { System } from './system.ts';
import { until } from '../../dev/until.ts';

/** The first key of the advisory locks. A database belongs to one test, so a constant is enough. */
const lockClass = 7_301;

export interface HeldStep {
  kind: ProcessKind;
  step: string;
  /** Waits until a worker is in the middle of the transaction that finishes the step. */
  reached(): Promise<void>;
  release(): Promise<void>;
}

/**
 * Holds steps: from now on a worker that finishes one of them stops in the middle of its transaction, after the outside work
 * and before the effect is visible, until the step is released. All steps are given at once, because one step follows
 * another within a millisecond.
 *
 * @param steps in the order in which they are released; a step that is listed twice is held in two rounds
 */
export async function holdSteps(
  system: System,
  steps: readonly (readonly [ProcessKind, string])[],
): Promise<{ steps: HeldStep[]; close(): Promise<void> }> {
  const client = await openConnection(system.database.url);
  await client.query(`
    create table if not exists held_step (n serial, kind text, step text);
    create or replace function hold_step() returns trigger language plpgsql as $$
    begin
      perform pg_advisory_xact_lock_shared(${lockClass}, h.n) from held_step h where h.kind = new.kind and h.step = new.step;
      return new;
    end $$;
    create or replace trigger hold_step before update on process_step
      for each row when (new.state = 'done' and old.state <> 'done') execute function hold_step()`);
  const held: HeldStep[] = [];
  for (const [kind, step] of steps) {
    const { rows } = await client.query<{ n: number }>(`select nextval('held_step_n_seq')::int as n`);
    const n = rows[0]?.n ?? 0;
    await client.query('select pg_advisory_lock($1, $2)', [lockClass, n]);
    await client.query('insert into held_step values ($1, $2, $3)', [n, kind, step]);
    held.push({
      kind,
      step,
      async reached() {
        await until(`${kind}'s step ${step} to be in the middle of its transaction`, async () => {
          const waiting = await client.query(
            `select 1 from pg_locks
              where locktype = 'advisory' and not granted and classid = $1 and objid = $2
                and database = (select oid from pg_database where datname = current_database())`,
            [lockClass, n],
          );
          return waiting.rows.length > 0;
        });
      },
      async release() {
        await client.query('delete from held_step where n = $1', [n]);
        await client.query('select pg_advisory_unlock($1, $2)', [lockClass, n]);
      },
    });
  }
  return { steps: held, close: () => client.end() };
}

/** Makes every insert or update of the table fail if `condition` holds for the new row. @returns a function that ends this */
export async function refuseRows(system: System, table: string, condition: string): Promise<() => Promise<void>> {
  const { db } = system.database;
  await db.execute(sql.raw(`alter table ${table} add constraint refused_by_test check (not (${condition})) not valid`));
  return async () => void (await db.execute(sql.raw(`alter table ${table} drop constraint refused_by_test`)));
}
