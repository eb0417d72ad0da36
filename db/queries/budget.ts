import { sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';

/**
 * Takes the next `permits` calls of a connection, whatever number of workers share it: one GCRA row and one statement.
 *
 * @param permits calls taken together, at most about a second's worth: fewer round trips at the same rate
 * @returns milliseconds until the first of them may start; the others follow at the rate
 */
export async function takePermits(
  db: Queryable,
  connection: string,
  callsPerSecond: number,
  permits: number,
): Promise<number> {
  const {
    rows: [row],
  } = await db.execute<{ delay_ms: number }>(sql`
    insert into call_budget as b (connection, calls_per_second, next_at)
    values (${connection}, ${callsPerSecond}, clock_timestamp() + ${permits / callsPerSecond} * interval '1 second')
    on conflict (connection) do update
       set calls_per_second = excluded.calls_per_second,
           next_at = greatest(b.next_at, clock_timestamp()) + ${permits / callsPerSecond} * interval '1 second'
    returning greatest(0, extract(epoch from next_at - clock_timestamp()) * 1000 - ${(permits / callsPerSecond) * 1000})::float8 as delay_ms`);
  return row?.delay_ms ?? 0;
}

/** Nobody calls this connection before `retryAfterMs` milliseconds have passed: it answered 429. */
export async function postponeCalls(db: Queryable, connection: string, retryAfterMs: number): Promise<void> {
  await db.execute(sql`
    update call_budget
       set next_at = greatest(next_at, clock_timestamp() + ${retryAfterMs} * interval '1 millisecond')
     where connection = ${connection}`);
}
