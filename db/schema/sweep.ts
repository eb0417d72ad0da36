import { integer, pgTable, text, timestamp } from 'drizzle-orm/pg-core';

/** The one row that tells which workflow sweeps, and how long ago it did so last. */
export const sweep = pgTable('sweep', {
  id: text().primaryKey().default('sweep'),
  /** The first run of the workflow that sweeps; its later runs continue it. Another workflow that sweeps ends when it sees this. */
  sweeper: text().notNull(),
  /** When a sweep last came to its end; null = none has yet. */
  sweptAt: timestamp('swept_at', { withTimezone: true }),
  /** How many processes that sweep woke. */
  woken: integer().notNull().default(0),
});
