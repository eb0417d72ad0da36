import { inArray, lt, sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { milliseconds } from '../interval.ts';
import { signInThrottle } from '../schema/index.ts';

/**
 * Counts an attempt under each key, before it is made, so that attempts at the same moment cannot all be the last allowed one.
 * One statement, which locks the rows in the order of their keys.
 *
 * @param limits the attempts that are allowed in a window, by key
 * @returns how many milliseconds to wait; 0 = go on
 */
export async function countAttempt(
  db: Queryable,
  limits: ReadonlyMap<string, number>,
  windowMs: number,
): Promise<number> {
  const keys = [...limits.keys()].toSorted();
  const window = sql`now() + ${milliseconds(windowMs)}`;
  const { rows } = await db.execute<{ key: string; attempts: number; waitMs: number }>(sql`
    insert into sign_in_throttle as t (key, attempts, ends_at)
    select key, 1, ${window} from jsonb_array_elements_text(${JSON.stringify(keys)}::jsonb) as given (key)
    on conflict (key) do update
       set attempts = case when t.ends_at < now() then 1 else t.attempts + 1 end,
           ends_at = case when t.ends_at < now() then ${window} else t.ends_at end
    returning key, attempts, (extract(epoch from ends_at - now()) * 1000)::float8 as "waitMs"`);
  const over = rows.filter(({ key, attempts }) => attempts > (limits.get(key) ?? 0));
  return Math.max(0, ...over.map(({ waitMs }) => waitMs));
}

/**
 * After an attempt that has succeeded: it no longer counts, under `reset` the failed ones before it do not either, and windows
 * that are over are removed.
 */
export async function forgetAttempt(db: Queryable, keys: readonly string[], reset: string): Promise<void> {
  const { key, attempts, endsAt } = signInThrottle;
  const locked = db
    .select({ key })
    .from(signInThrottle)
    .where(inArray(key, [...keys]))
    .orderBy(key)
    .for('update');
  await db
    .update(signInThrottle)
    .set({ attempts: sql`case when ${key} = ${reset} then 0 else greatest(${attempts} - 1, 0) end` })
    .where(inArray(key, locked));
  // Rows that another attempt has locked are left to it, because waiting for them could deadlock.
  const over = db
    .select({ key })
    .from(signInThrottle)
    .where(lt(endsAt, sql`now()`))
    .for('update', { skipLocked: true });
  await db.delete(signInThrottle).where(inArray(key, over));
}
