import { sql } from 'drizzle-orm';
import { index, integer, jsonb, pgTable, text, timestamp, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import type { IncompleteRead } from '../../domain/incomplete.ts';
import type { GuardNote } from '../../domain/swingGuard.ts';
import { integration } from './integration.ts';

export const syncRun = pgTable(
  'sync_run',
  {
    id: uuid().primaryKey().defaultRandom(),
    integrationId: uuid('integration_id')
      .notNull()
      .references(() => integration.id),
    /** The one customer that this run reads; null = all of them. */
    vendorAccountId: text('vendor_account_id'),
    state: text().$type<SyncRunState>().notNull().default('running'),
    startedAt: timestamp('started_at', { withTimezone: true }).notNull().defaultNow(),
    finishedAt: timestamp('finished_at', { withTimezone: true }),
    /** Fences a zombie: only the newest attempt may stage rows. */
    attempt: integer().notNull().default(0),
    /** Last vendor account whose page is staged; moves with its rows. */
    cursor: text(),
    figures: jsonb().$type<Record<string, number>>(),
    /** Its lists were not whole, and a person took them so: it raises and adds only. */
    incomplete: jsonb().$type<IncompleteRead>(),
    /** What the swing guard saw. */
    guard: jsonb().$type<GuardNote>(),
  },
  (t) => [index().on(t.integrationId, t.startedAt)],
);

export type SyncRunState = 'running' | 'applied' | 'held' | 'discarded' | 'superseded';

/** "Sync now" as a row: survives everything, and is claimed with all others that are open as one run. */
export const syncRequest = pgTable(
  'sync_request',
  {
    id: uuid().primaryKey().defaultRandom(),
    integrationId: uuid('integration_id')
      .notNull()
      .references(() => integration.id),
    /** `sync`; `release`: apply the held run named in `releaseRunId`; `push`: counts were posted, one is open at most. */
    kind: text().$type<'sync' | 'release' | 'push'>().notNull().default('sync'),
    releaseRunId: uuid('release_run_id'),
    requestedBy: text('requested_by').notNull(),
    /** Once per key: a Schedule's workflow id, a need's process. */
    onceKey: text('once_key'),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
    runId: uuid('run_id').references(() => syncRun.id),
  },
  (t) => [
    index().on(t.integrationId, t.createdAt),
    uniqueIndex().on(t.integrationId, t.onceKey),
    uniqueIndex('sync_request_open_push')
      .on(t.integrationId)
      .where(sql`kind = 'push' and run_id is null`),
  ],
);
