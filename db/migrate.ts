import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import { openConnection } from './client.ts';

/** An arbitrary number that no other advisory lock of the database uses. */
const migrationLock = 7_230_001;

/**
 * Applies the SQL migrations. When two processes migrate at once, one of them fails half-way (measured), so they queue on an
 * advisory lock, which PostgreSQL drops by itself if this process dies.
 *
 * @param url postgres:// URL, without a transaction pooler in between, because the lock belongs to the session
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
