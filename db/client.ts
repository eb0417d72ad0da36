import { setTimeout as delay } from 'node:timers/promises';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import { Client, Pool, type PoolClient } from 'pg';
import * as schema from './schema/index.ts';

/**
 * `$client` is the pool itself, for a statement written by hand. Nothing may need a session: a transaction pooler
 * (PgBouncer) gives each transaction another one, so no named statement, no lock of a session, no `set` but `set local`.
 */
export type Database = NodePgDatabase<typeof schema> & { $client: Pool };
/** A transaction of `Database`; queries take either. */
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];
export type Queryable = Database | Transaction;

/**
 * @param url postgres:// URL
 * @param size connections at most
 */
export function openDatabase(url: string, size = 10): { db: Database; close: () => Promise<void> } {
  const pool = openPool(url, size);
  const db = drizzle(pool, { schema });
  return {
    db: Object.assign(db, {
      /** Drizzle's own keeps the connection for ever if the very first statement fails (drizzle-orm issue 6241). */
      async transaction(...args: Parameters<typeof db.transaction>) {
        const client = await pool.connect();
        try {
          return await onClient(client).transaction(...args);
        } finally {
          client.release();
        }
      },
    }),
    // It waits for statements under way; one that hangs must not keep a process from ending.
    close: () => Promise.race([pool.end(), delay(5_000, undefined, { ref: false })]),
  };
}

const clients = new WeakMap<PoolClient, NodePgDatabase<typeof schema>>();

/** Drizzle reads the schema anew for each database it makes: one per connection is enough. */
function onClient(client: PoolClient): NodePgDatabase<typeof schema> {
  const known = clients.get(client) ?? drizzle(client, { schema });
  clients.set(client, known);
  return known;
}

function openPool(url: string, max: number): Pool {
  const pool = new Pool({
    connectionString: url,
    application_name: 'countersign',
    max,
    keepAlive: true,
    idleTimeoutMillis: 60_000,
    /** To connect, or to wait for one of the pool's. */
    connectionTimeoutMillis: 30_000,
  });
  // A connection that dies says so here, too, and without a listener that ends the process. Whoever asks next gets another.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** One connection, for locks of a session and for what cannot be in a pool; not through a pooler. Whoever opens it ends it. */
export async function openConnection(url: string, connectionTimeoutMillis = 30_000): Promise<Client> {
  const client = new Client({ connectionString: url, application_name: 'countersign', connectionTimeoutMillis });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** The system's codes for a server that cannot be reached, and PostgreSQL's own for one that is going down or coming up. */
const awayCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
  '57P01',
  '57P02',
  '57P03',
]);
/** The driver's own errors have no code. */
const awayMessages =
  /^(Connection terminated|Client (has encountered a connection error|was closed)|timeout e|Cannot use a pool after)/;

/** Whether a query failed because the server is away: its transaction, if it had begun one, is not there. */
export function isDatabaseAway(error: unknown): boolean {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string' && awayCodes.has(cause.code)) return true;
    if (awayMessages.test(cause.message)) return true;
  }
  return false;
}
