/** Who sweeps, and when a sweep last came to its end. */
import { and, eq, sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { sweep } from '../schema/index.ts';

/** Makes a workflow the one that sweeps. @param sweeper id of the workflow's first run */
export async function takeOverSweep(db: Queryable, sweeper: string): Promise<void> {
  await db.insert(sweep).values({ sweeper }).onConflictDoUpdate({ target: sweep.id, set: { sweeper } });
}

/** Whether this workflow is still the one that sweeps; otherwise a newer one has taken over. */
export async function isSweeper(db: Queryable, sweeper: string): Promise<boolean> {
  const rows = await db.select({ id: sweep.id }).from(sweep).where(eq(sweep.sweeper, sweeper));
  return rows.length > 0;
}

/** Records that a sweep has come to its end. @param woken how many processes it woke */
export async function noteSwept(db: Queryable, sweeper: string, woken: number): Promise<void> {
  await db
    .update(sweep)
    .set({ sweptAt: sql`now()`, woken })
    .where(and(eq(sweep.id, 'sweep'), eq(sweep.sweeper, sweeper)));
}

/** Seconds since the last sweep came to its end, as a part of another statement; null = none has yet. */
export const sweepAge = sql<number | null>`(select extract(epoch from now() - swept_at)::int from sweep)`;
