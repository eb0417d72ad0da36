import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import { openConnection, openDatabase, type Database } from '../../db/client.ts';
import { templateDatabase } from './templateDatabase.ts';

export interface TestDatabase {
  url: string;
  db: Database;
  close(): Promise<void>;
}

/** A migrated database of the test file's own; dropped when closed. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const admin = await openConnection(inject('postgresUrl'));
  // Two copies of one template at once fail, so they queue.
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
