/** What Temporal says and the API has to know, as the last sweep read it there. */
import { boolean, jsonb, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import type { ProcessKind } from '../../domain/process/steps.ts';

/** A Schedule. */
export const temporalSchedule = pgTable('temporal_schedule', {
  scheduleId: text('schedule_id').primaryKey(),
  /** The integration that it syncs; null = it is the sweep's. */
  integrationId: uuid('integration_id'),
  /** Of which choice it was made (`revisionOf`). */
  revision: text(),
  paused: boolean().notNull(),
  /** Since when the sweep has found it paused. */
  pausedSince: timestamp('paused_since', { withTimezone: true }),
  /** Its next actions, as ISO times, soonest first. */
  nextRuns: jsonb('next_runs').$type<string[]>().notNull(),
});

/** An activity that somebody has paused in the Temporal UI. */
export const pausedActivity = pgTable(
  'paused_activity',
  {
    kind: text().$type<ProcessKind>().notNull(),
    id: text().notNull(),
    /** The name of the activity. */
    activity: text().notNull(),
    pausedAt: timestamp('paused_at', { withTimezone: true }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.kind, t.id, t.activity] })],
);
