/** Faults of the database itself, made with triggers: a step held in the middle of its transaction, a table that refuses. */
import { sql } from 'drizzle-orm';
import postgres from 'postgres';
import type { ProcessKind } from '../../domain/process.ts';
import type { System } from './system.ts';
import { until } from '../../dev/until.ts';

/** The first half of the locks' keys; a database belongs to one test. */
const lockClass = 7_301;

export interface HeldStep {
  kind: ProcessKind;
  step: string;
  /** Waits until a worker is in the middle of the transaction that finishes the step. */
  reached(): Promise<void>;
  release(): Promise<void>;
}

/**
 * From now on whoever finishes one of these steps stops in the middle of its transaction, after the outside work and
 * before the effect is visible, until that step is released. They are installed together, because a step that follows
 * another does so within a millisecond.
 *
 * @param steps in the order in which they are released; a step that is there twice is held in two rounds
 */
export async function holdSteps(
  system: System,
  steps: readonly (readonly [ProcessKind, string])[],
): Promise<{ steps: HeldStep[]; close(): Promise<void> }> {
  const client = postgres(system.database.url, { max: 1, onnotice: () => undefined });
  await client.unsafe(`
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
    const [row] = await client<{ n: number }[]>`select nextval('held_step_n_seq')::int as n`;
    const n = row?.n ?? 0;
    await client`select pg_advisory_lock(${lockClass}, ${n})`;
    await client`insert into held_step values (${n}, ${kind}, ${step})`;
    held.push({
      kind,
      step,
      async reached() {
        await until(`${kind}'s step ${step} to be in the middle of its transaction`, async () => {
          const waiting = await client`
            select 1 from pg_locks
             where locktype = 'advisory' and not granted and classid = ${lockClass} and objid = ${n}
               and database = (select oid from pg_database where datname = current_database())`;
          return waiting.length > 0;
        });
      },
      async release() {
        await client`delete from held_step where n = ${n}`;
        await client`select pg_advisory_unlock(${lockClass}, ${n})`;
      },
    });
  }
  return { steps: held, close: () => client.end({ timeout: 5 }) };
}

/** Every insert or update of the table fails while `condition` holds for the new row. @returns what puts it right */
export async function refuseRows(system: System, table: string, condition: string): Promise<() => Promise<void>> {
  const { db } = system.database;
  await db.execute(sql.raw(`alter table ${table} add constraint refused_by_test check (not (${condition})) not valid`));
  return async () => void (await db.execute(sql.raw(`alter table ${table} drop constraint refused_by_test`)));
}
