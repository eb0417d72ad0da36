import { randomUUID } from 'node:crypto';
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
