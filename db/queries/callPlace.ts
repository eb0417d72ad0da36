import { and, eq, sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { milliseconds } from '../interval.ts';
import { callPlace } from '../schema/index.ts';

/** A place that a call has taken; `until` tells it from those who have the place later. */
export interface Place {
  place: number;
  until: string;
}

/**
 * Takes one of a connection's places for a call, for any number of workers that share it.
 *
 * @param of.longestCallMs after which the place is free again if nobody has left it
 * @returns undefined when all places are taken
 */
export async function takePlace(
  db: Queryable,
  connection: string,
  { places, longestCallMs }: { places: number; longestCallMs: number },
): Promise<Place | undefined> {
  const { rows } = await db.execute<{ place: number; until: string }>(sql`
    insert into call_place as p (connection, place, until)
    select ${connection}, free.place, clock_timestamp() + ${milliseconds(longestCallMs)}
      from generate_series(1, ${places}::int) as free (place)
     where not exists (select from call_place taken
                        where taken.connection = ${connection} and taken.place = free.place and taken.until > clock_timestamp())
     order by random()
     limit 1
    on conflict (connection, place) do update set until = excluded.until where p.until <= clock_timestamp()
    returning place, until::text`);
  return rows[0];
}

/** Leaves a place, unless somebody else has it by now. */
export async function leavePlace(db: Queryable, connection: string, { place, until }: Place): Promise<void> {
  await db
    .update(callPlace)
    .set({ until: sql`clock_timestamp()` })
    .where(
      and(
        eq(callPlace.connection, connection),
        eq(callPlace.place, place),
        eq(callPlace.until, sql`${until}::timestamptz`),
      ),
    );
}
