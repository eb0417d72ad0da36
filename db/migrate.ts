import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';

/** Any constant; it only has to differ from other advisory locks in the database. */
const migrationLock = 7_230_001;

/**
 * Applies the SQL migrations. Two at once would fail half-way in one of them (measured), so they queue on an advisory
 * lock, which PostgreSQL drops by itself should this process die.
 *
 * @param url postgres:// URL
 */
export async function migrateDatabase(url: string): Promise<void> {
  const client = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    await client`select pg_advisory_lock(${migrationLock})`;
    await migrate(drizzle(client), { migrationsFolder: fileURLToPath(new URL('./migrations', import.meta.url)) });
  } finally {
    await client.end({ timeout: 5 });
  }
}
