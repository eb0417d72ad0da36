import { sql } from 'drizzle-orm';
import { bigint, index, integer, jsonb, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import type { Acceptance } from '../../domain/incomplete.ts';
import type { Problem } from '../../domain/process/problems.ts';
import type { ProcessKind, StepState } from '../../domain/process/steps.ts';
import { organization } from './organization.ts';

/**
 * The state of a process, so that its workflow can be terminated and started again at any time.
 * A fact's transaction adds 1 to `version` and sets `due_at = now()`; `due_at` null = the sweep does not wake it.
 */
export const processes = pgTable(
  'process',
  {
    kind: text().$type<ProcessKind>().notNull(),
    id: text().notNull(),
    organizationId: uuid('organization_id')
      .notNull()
      .references(() => organization.id),
    integrationId: uuid('integration_id'),
    /** The id of what the process is about, shown with its workflow: the vendor account of an alert. */
    about: text(),
    version: bigint({ mode: 'number' }).notNull().default(1),
    dueAt: timestamp('due_at', { withTimezone: true }),
    /** The round under way, for a sync its run's id; a process that runs only once has the round `1`. */
    round: text().notNull().default('1'),
    roundStartedAt: timestamp('round_started_at', { withTimezone: true }).notNull().defaultNow(),
    /** How often the sweep has woken the process since its last fact; the backoff grows with it. */
    sweeps: integer().notNull().default(0),
  },
  (t) => [
    primaryKey({ columns: [t.kind, t.id] }),
    // For the sweep's only query; most rows have null.
    index('process_due')
      .on(t.dueAt)
      .where(sql`due_at is not null`),
    index().on(t.organizationId),
  ],
);

export const processStep = pgTable(
  'process_step',
  {
    kind: text().$type<ProcessKind>().notNull(),
    id: text().notNull(),
    round: text().notNull(),
    step: text().notNull(),
    position: integer().notNull(),
    state: text().$type<StepState>().notNull(),
    problem: jsonb().$type<Problem>(),
    /** Set when a person accepts incomplete lists, for this step in this round only. */
    accepted: jsonb().$type<Acceptance>(),
    /** When a blocked step tries again by itself; null = only after a wake. */
    retryAt: timestamp('retry_at', { withTimezone: true }),
    /** When the person for whom the step waits is next reminded. */
    remindAt: timestamp('remind_at', { withTimezone: true }),
    /** The other side's `Retry-After`, kept by the activity because a workflow cannot read it. */
    notBefore: timestamp('not_before', { withTimezone: true }),
    /** Since when every attempt has had a transient failure; progress clears it. Past the limit the step is `unreachable`. */
    failingSince: timestamp('failing_since', { withTimezone: true }),
    blockedAt: timestamp('blocked_at', { withTimezone: true }),
    /** Attempts in a row that began and have not answered: the one at work, and those that timed out before it. */
    silentAttempts: integer('silent_attempts').notNull().default(0),
    startedAt: timestamp('started_at', { withTimezone: true }),
    doneAt: timestamp('done_at', { withTimezone: true }),
  },
  (t) => [primaryKey({ columns: [t.kind, t.id, t.round, t.step] })],
);

/** An answer that a step which only reads got before it was cut short by a 429: its next attempt need not ask again. */
export const keptAnswer = pgTable(
  'kept_answer',
  {
    kind: text().$type<ProcessKind>().notNull(),
    id: text().notNull(),
    round: text().notNull(),
    step: text().notNull(),
    /** A digest of the request and its credentials, and how often the attempt has made the same request. */
    question: text().notNull(),
    /** The answer is deleted when this part of the step's work is committed; empty = when the step is over. */
    part: text().notNull(),
    status: integer().notNull(),
    headers: jsonb().$type<Record<string, string>>().notNull(),
    text: text(),
    keptAt: timestamp('kept_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.kind, t.id, t.round, t.step, t.question] })],
);

/** A step that waits for another process; satisfied by a round of that process that started at or after `not_before`. */
export const processNeed = pgTable(
  'process_need',
  {
    kind: text().$type<ProcessKind>().notNull(),
    id: text().notNull(),
    round: text().notNull(),
    step: text().notNull(),
    otherKind: text('other_kind').$type<ProcessKind>().notNull(),
    otherId: text('other_id').notNull(),
    notBefore: timestamp('not_before', { withTimezone: true }).notNull(),
    satisfiedAt: timestamp('satisfied_at', { withTimezone: true }),
  },
  (t) => [
    primaryKey({ columns: [t.kind, t.id, t.round, t.step] }),
    index('process_need_open')
      .on(t.otherKind, t.otherId)
      .where(sql`satisfied_at is null`),
  ],
);
