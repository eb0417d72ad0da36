import { boolean, integer, jsonb, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import type { ScheduleChoice } from '../../domain/schedule.ts';
import { integration } from './integration.ts';

/** When an integration syncs by itself; an integration without a row has the default schedule of the environment. */
export const syncSchedule = pgTable('sync_schedule', {
  integrationId: uuid('integration_id')
    .primaryKey()
    .references(() => integration.id),
  choice: jsonb().$type<ScheduleChoice>().notNull(),
  timeZone: text('time_zone').notNull(),
  jitterMinutes: integer('jitter_minutes').notNull(),
  paused: boolean().notNull(),
  changedAt: timestamp('changed_at', { withTimezone: true }).notNull().defaultNow(),
});
