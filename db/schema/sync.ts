import { sql } from 'drizzle-orm';
import { index, integer, jsonb, pgTable, text, timestamp, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import type { SyncRunState } from '../../domain/transitions.ts';
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
    /** The last vendor account whose usage is staged; committed with the staged rows. */
    cursor: text(),
    figures: jsonb().$type<Record<string, number>>(),
    /** Set when a person accepted incomplete lists: then the run only raises and adds. */
    incomplete: jsonb().$type<IncompleteRead>(),
    /** The verdict of the swing guard. */
    guard: jsonb().$type<GuardNote>(),
  },
  (t) => [index().on(t.integrationId, t.startedAt)],
);

/** A request "sync now", as a row, so that it is never lost. One run claims all open requests together. */
export const syncRequest = pgTable(
  'sync_request',
  {
    id: uuid().primaryKey().defaultRandom(),
    integrationId: uuid('integration_id')
      .notNull()
      .references(() => integration.id),
    /** `sync`: read and apply; `release`: apply the held run `releaseRunId`; `push`: counts were posted (at most one is open). */
    kind: text().$type<'sync' | 'release' | 'push'>().notNull().default('sync'),
    releaseRunId: uuid('release_run_id'),
    requestedBy: text('requested_by').notNull(),
    /** A key for which only one request is made: a Schedule's workflow id, or the process that has a need. */
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
