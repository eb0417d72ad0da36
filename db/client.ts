import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import postgres, { type Sql } from 'postgres';
import * as schema from './schema/index.ts';

/**
 * `posts` is for the one statement that is asked a thousand times a second. Its tagged templates are prepared once per
 * connection, where each of Drizzle's queries is parsed and planned anew and takes two round trips; and its connections are
 * its own, so that nothing else waits behind a flood of counts.
 */
export type Database = PostgresJsDatabase<typeof schema> & { posts: Sql };
/** A transaction of `Database`; queries take either. */
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];
export type Queryable = Database | Transaction;

/**
 * Opens a pool, and a second one for posted counts, which has no connection until some come.
 *
 * @param url postgres:// URL
 * @param pool connections at most, of each of the two
 */
export function openDatabase(url: string, pool = 10): { db: Database; close: () => Promise<void> } {
  const options = { max: pool, onnotice: () => undefined, connection: { application_name: 'countersign' } };
  const client = postgres(url, options);
  const posts = postgres(url, { ...options, idle_timeout: 60 });
  return {
    db: Object.assign(drizzle(client, { schema }), { posts }),
    close: async () => {
      await Promise.all([client.end({ timeout: 5 }), posts.end({ timeout: 5 })]);
    },
  };
}

/** The driver's codes for a server that cannot be reached, and PostgreSQL's own for one that is going down or coming up. */
const awayCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'CONNECT_TIMEOUT',
  'CONNECTION_CLOSED',
  'CONNECTION_DESTROYED',
  'CONNECTION_ENDED',
  '57P01',
  '57P02',
  '57P03',
]);

/** Whether a query failed because the server is away: its transaction, if it had begun one, is not there. */
export function isDatabaseAway(error: unknown): boolean {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string' && awayCodes.has(cause.code)) return true;
  }
  return false;
}
