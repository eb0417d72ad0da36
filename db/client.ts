import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import * as schema from './schema/index.ts';

export type Database = PostgresJsDatabase<typeof schema>;
/** A transaction of `Database`; queries take either. */
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];
export type Queryable = Database | Transaction;

/**
 * Opens a pool.
 *
 * @param url postgres:// URL
 * @param pool connections at most
 */
export function openDatabase(url: string, pool = 10): { db: Database; close: () => Promise<void> } {
  const client = postgres(url, {
    max: pool,
    onnotice: () => undefined,
    connection: { application_name: 'countersign' },
  });
  return { db: drizzle(client, { schema }), close: () => client.end({ timeout: 5 }) };
}
