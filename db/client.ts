import { setTimeout as delay } from 'node:timers/promises';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import { Client, type Pool, type PoolClient } from 'pg';
import { DatabaseAway, OwnPool } from './away.ts';
import * as schema from './schema/index.ts';

/**
 * `$client` is the pool itself, for statements written by hand. Nothing may depend on a session, because a transaction pooler
 * (PgBouncer) gives each transaction another one: no named statements, no session locks, and only `set local`.
 */
export type Database = NodePgDatabase<typeof schema> & { $client: Pool };
/** A transaction of `Database`; queries take either. */
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];
export type Queryable = Database | Transaction;

/**
 * @param url postgres:// URL
 * @param size the most connections
 */
export function openDatabase(url: string, size = 10): { db: Database; close: () => Promise<void> } {
  const pool = openPool(url, size);
  const db = drizzle(pool, { schema });
  return {
    db: Object.assign(db, {
      /** Replaces Drizzle's method, which never releases the connection if the first statement fails (drizzle-orm issue 6241). */
      async transaction(...args: Parameters<typeof db.transaction>) {
        const client = await pool.connect();
        try {
          return await onClient(client).transaction(...args);
        } finally {
          client.release();
        }
      },
    }),
    // Closing waits for statements under way, for 5 s at most: a statement that hangs must not keep a process from ending.
    close: () => Promise.race([pool.end(), delay(5_000, undefined, { ref: false })]),
  };
}

/** How often a transaction that PostgreSQL ended is run in all. */
const maxRuns = 4;

/**
 * Runs a transaction, and runs it again when PostgreSQL ended it because it and another one waited for each other: it
 * was rolled back whole, and the other one has gone on.
 *
 * @param body changes nothing but the database, because it may run more than once
 */
export async function transactAgain<T>(db: Database, body: (tx: Transaction) => Promise<T>): Promise<T> {
  for (let run = 1; ; run++) {
    try {
      return await db.transaction(body);
    } catch (error) {
      if (run === maxRuns || !isDeadlock(error)) throw error;
    }
  }
}

/** PostgreSQL's code for a transaction that it ended to let another one go on. */
function isDeadlock(error: unknown): boolean {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
    if ('code' in cause && cause.code === '40P01') return true;
  return false;
}

const clients = new WeakMap<PoolClient, NodePgDatabase<typeof schema>>();

/** Keeps one Drizzle database per connection, because making one means to process the whole schema. */
function onClient(client: PoolClient): NodePgDatabase<typeof schema> {
  const known = clients.get(client) ?? drizzle(client, { schema });
  clients.set(client, known);
  return known;
}

function openPool(url: string, max: number): Pool {
  const pool = new OwnPool({
    connectionString: url,
    application_name: 'countersign',
    max,
    keepAlive: true,
    idleTimeoutMillis: 60_000,
    /** The limit for connecting, and for waiting until a connection of the pool is free. */
    connectionTimeoutMillis: 30_000,
  });
  // A connection that dies also emits an error event, which would end the process without a listener. The pool replaces it.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** Opens one connection outside the pool, for session locks; not through a transaction pooler. The caller has to end it. */
export async function openConnection(url: string, connectionTimeoutMillis = 30_000): Promise<Client> {
  const client = new Client({ connectionString: url, application_name: 'countersign', connectionTimeoutMillis });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** Whether a query failed because the server is away; if it was in a transaction, that transaction is gone. */
export function isDatabaseAway(error: unknown): boolean {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
    if (cause instanceof DatabaseAway) return true;
  return false;
}
