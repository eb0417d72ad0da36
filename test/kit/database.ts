import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { inject } from 'vitest';
import { openConnection, openDatabase, type Database } from '../../db/client.ts';
import { templateDatabase } from './templateDatabase.ts';

export interface TestDatabase {
  url: string;
  db: Database;
  close(): Promise<void>;
}

/** Creates a migrated database for one test file; it is dropped when closed. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const admin = await openConnection(inject('postgresUrl'));
  // PostgreSQL cannot copy one template twice at once, so the copies queue.
  await admin.query('select pg_advisory_lock(1)');
  await admin.query(`create database ${name} template ${templateDatabase}`);
  await admin.query('select pg_advisory_unlock(1)');
  const url = new URL(inject('postgresUrl'));
  url.pathname = `/${name}`;
  const { db, close } = openDatabase(url.href, 5);
  return {
    url: url.href,
    db,
    async close() {
      await close();
      await admin.query(`drop database ${name} with (force)`);
      await admin.end();
    },
  };
}

/**
 * Lets PostgreSQL refuse the next updates of a table's rows that fit a condition, as a crash in the middle of one would.
 *
 * @param failing.when a condition over `new` and `old`, in SQL
 * @param failing.times how many are refused; the ones after them are made
 */
export async function failUpdates(
  db: Database,
  failing: { table: string; when: string; times: number },
): Promise<void> {
  const { table, when, times } = failing;
  // A sequence keeps its number when the refused transaction is rolled back.
  await db.execute(
    sql.raw(`
    create schema failing;
    create sequence failing.tries;
    create function failing.refuse() returns trigger language plpgsql as $$ begin
      if nextval('failing.tries') <= ${times} then raise exception 'not now' using errcode = '57P01'; end if;
      return new;
    end $$;
    create trigger refuse before update on ${table} for each row when (${when}) execute function failing.refuse();`),
  );
}
