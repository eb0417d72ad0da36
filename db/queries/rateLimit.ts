import { and, eq, gt, sql, type SQL } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { fromNow, inMilliseconds, milliseconds } from '../interval.ts';
import { rateLimit } from '../schema/index.ts';
import { among } from './among.ts';

/** The connection whose calls are limited: to a vendor for one integration, or to a PSA. */
export interface Connection {
  of: 'vendor' | 'psa';
  /** The id of the integration or of the PSA connection. */
  id: string;
}

/** The key of a connection's row. */
export const rateLimitName = ({ of, id }: Connection) => `${of}/${id}`;

/** The time until which a connection is not called, and what the outside system said when it asked for the pause. */
export interface Pause {
  until: Date;
  why: string;
}

/**
 * Takes the next `permits` calls of a connection, for any number of workers that share it: one GCRA row and one
 * statement. No calls are taken when the connection pauses for longer than `maxWaitMs`.
 *
 * @param permits calls taken together, at most about a second's worth: fewer round trips at the same rate
 * @returns milliseconds until the first call may start, after which the others follow at the rate; or how long the
 *   connection pauses, and why
 */
export async function takePermits(
  db: Queryable,
  connection: string,
  { callsPerSecond, permits, maxWaitMs }: { callsPerSecond: number; permits: number; maxWaitMs: number },
): Promise<{ delayMs: number } | { pausedMs: number; why: string }> {
  const takenMs = (permits / callsPerSecond) * 1000;
  const taken = milliseconds(takenMs);
  // now() is the same throughout a statement, so the stored and the returned values agree on whether the connection
  // pauses.
  const pauses = sql`b.paused_until > ${fromNow(maxWaitMs)}`;
  const {
    rows: [row],
  } = await db.execute<{ delay_ms: number; paused_ms: number | null; paused_why: string | null }>(sql`
    insert into rate_limit as b (connection, calls_per_second, next_at)
    values (${connection}, ${callsPerSecond}, clock_timestamp() + ${taken})
    on conflict (connection) do update
       set calls_per_second = excluded.calls_per_second,
           next_at = case when ${pauses} then b.next_at else greatest(b.next_at, clock_timestamp()) + ${taken} end
    returning greatest(0, extract(epoch from next_at - clock_timestamp()) * 1000 - ${takenMs})::float8 as delay_ms,
              case when ${pauses} then ${inMilliseconds(sql`b.paused_until - now()`)} end as paused_ms,
              paused_why`);
  if (row && row.paused_ms !== null) return { pausedMs: Math.ceil(row.paused_ms), why: row.paused_why ?? '' };
  return { delayMs: row?.delay_ms ?? 0 };
}

/**
 * Pauses all calls to this connection for `pauseMs` milliseconds, because it answered 429.
 *
 * @param why the connection's answer, in words for a person
 */
export async function postponeCalls(db: Queryable, connection: string, pauseMs: number, why: string): Promise<void> {
  const until = sql`clock_timestamp() + ${milliseconds(pauseMs)}`;
  await db
    .update(rateLimit)
    .set({
      nextAt: sql`greatest(${rateLimit.nextAt}, ${until})`,
      pausedUntil: sql`greatest(${rateLimit.pausedUntil}, ${until})`,
      pausedWhy: why,
    })
    .where(eq(rateLimit.connection, connection));
}

const isPaused = gt(rateLimit.pausedUntil, sql`now()`);

/** Reads a connection's pause. @returns null when the connection may be called */
export async function readPause(db: Queryable, { of, id }: Connection): Promise<Pause | null> {
  return (await readPauses(db, of, [id]))(id);
}

/**
 * Reads the pauses of connections, with one statement.
 *
 * @returns a function that gives the pause of one of them; null when the connection may be called
 */
export async function readPauses(db: Queryable, of: Connection['of'], ids: readonly string[]) {
  const names = ids.map((id) => rateLimitName({ of, id }));
  const rows = await db
    .select({ name: rateLimit.connection, until: rateLimit.pausedUntil, why: rateLimit.pausedWhy })
    .from(rateLimit)
    .where(and(among(rateLimit.connection, names), isPaused));
  const pauses = new Map(rows.map((row) => [row.name, row]));
  return (id: string): Pause | null => {
    const row = pauses.get(rateLimitName({ of, id }));
    return row?.until ? { until: row.until, why: row.why ?? '' } : null;
  };
}

/** SQL for the seconds until a connection may be called, for use in a statement about the connection's owner. */
export const pauseSeconds = (of: Connection['of'], id: SQL): SQL =>
  sql`coalesce((select greatest(0, extract(epoch from paused_until - now()))
                  from rate_limit where connection = ${`${of}/`} || ${id}), 0)::float8`;

/** Ends a connection's pause, so that it may be called immediately. */
export async function clearPause(tx: Queryable, connection: Connection): Promise<void> {
  await tx
    .update(rateLimit)
    .set({ nextAt: sql`clock_timestamp()`, pausedUntil: null, pausedWhy: null })
    .where(and(eq(rateLimit.connection, rateLimitName(connection)), isPaused));
}
