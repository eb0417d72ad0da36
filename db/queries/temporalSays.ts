/** What Temporal says of Schedules and paused activities: stored by the sweep, read by API, health and metrics. */
import { eq, sql } from 'drizzle-orm';
import type { PausedActivity, SeenSchedule } from '../../domain/temporalSays.ts';
import type { Queryable } from '../client.ts';
import { temporalSchedule } from '../schema/index.ts';

/** Stores which Schedules there are. A row that says the same already is not written again. */
export async function storeSchedules(db: Queryable, seen: readonly SeenSchedule[]): Promise<void> {
  const rows = JSON.stringify(seen);
  await db.execute(sql`
    with seen as (select * from jsonb_to_recordset(${rows}::jsonb)
                    as r("scheduleId" text, "integrationId" uuid, revision text, paused boolean, "nextRuns" jsonb)),
         gone as (delete from temporal_schedule t where not exists (select from seen s where s."scheduleId" = t.schedule_id))
    insert into temporal_schedule as t (schedule_id, integration_id, revision, paused, paused_since, next_runs)
    select "scheduleId", "integrationId", revision, paused, case when paused then now() end, "nextRuns" from seen
    on conflict (schedule_id) do update
       set revision = excluded.revision, paused = excluded.paused, next_runs = excluded.next_runs,
           paused_since = case when excluded.paused then coalesce(t.paused_since, now()) end
     where (t.revision, t.paused, t.next_runs) is distinct from (excluded.revision, excluded.paused, excluded.next_runs)`);
}

/** Stores which activities are paused. */
export async function storePausedActivities(db: Queryable, paused: readonly PausedActivity[]): Promise<void> {
  const rows = JSON.stringify(paused);
  await db.execute(sql`
    with seen as (select * from jsonb_to_recordset(${rows}::jsonb)
                    as r(kind text, id text, activity text, "pausedAt" timestamptz)),
         gone as (delete from paused_activity p
                   where not exists (select from seen s where (s.kind, s.id, s.activity) = (p.kind, p.id, p.activity)))
    insert into paused_activity as p (kind, id, activity, paused_at)
    select kind, id, activity, "pausedAt" from seen
    on conflict (kind, id, activity) do update set paused_at = excluded.paused_at
     where p.paused_at is distinct from excluded.paused_at`);
}

/** Finds the Schedule by which an integration syncs; undefined = the sweep has seen none. */
export async function findTemporalSchedule(db: Queryable, integrationId: string) {
  const [row] = await db.select().from(temporalSchedule).where(eq(temporalSchedule.integrationId, integrationId));
  return row;
}
