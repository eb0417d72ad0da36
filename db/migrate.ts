import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import { openConnection } from './client.ts';

/** Any constant; it only has to differ from other advisory locks in the database. */
const migrationLock = 7_230_001;

/**
 * Applies the SQL migrations. Two at once would fail half-way in one of them (measured), so they queue on an advisory
 * lock, which PostgreSQL drops by itself should this process die.
 *
 * @param url postgres:// URL, with no transaction pooler between: the lock is the session's
 */
export async function migrateDatabase(url: string): Promise<void> {
  const client = await openConnection(url);
  try {
    await client.query('select pg_advisory_lock($1)', [migrationLock]);
    await migrate(drizzle(client), { migrationsFolder: fileURLToPath(new URL('./migrations', import.meta.url)) });
  } finally {
    await client.end();
  }
}
