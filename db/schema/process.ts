import { sql } from 'drizzle-orm';
import { bigint, index, integer, jsonb, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import type { Acceptance } from '../../domain/incomplete.ts';
import type { Problem } from '../../domain/process/problems.ts';
import type { ProcessKind, StepState } from '../../domain/process/steps.ts';
import { organization } from './organization.ts';

/**
 * A process's place, so that its workflow can be terminated and started again at any time.
 * A fact's transaction adds 1 to `version` and sets `due_at = now()`; `due_at` null = waits for a person.
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
    /** What it is about, in ids, for whoever looks at its workflow: the vendor account of an alert. */
    about: text(),
    version: bigint({ mode: 'number' }).notNull().default(1),
    dueAt: timestamp('due_at', { withTimezone: true }),
    /** The round under way (a sync's run); a process that runs once has the round `1`. */
    round: text().notNull().default('1'),
    roundStartedAt: timestamp('round_started_at', { withTimezone: true }).notNull().defaultNow(),
    /** How often the sweep woke it since its last fact: the backoff. */
    sweeps: integer().notNull().default(0),
  },
  (t) => [
    primaryKey({ columns: [t.kind, t.id] }),
    // The sweep's only question; most rows are parked with null.
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
    /** A person takes lists that are not whole, in this round of this step only. */
    accepted: jsonb().$type<Acceptance>(),
    /** When a blocked step tries again by itself; null = only after a wake. */
    retryAt: timestamp('retry_at', { withTimezone: true }),
    /** When the person that a step waits for is reminded next. */
    remindAt: timestamp('remind_at', { withTimezone: true }),
    /** The other side's `Retry-After`, kept by the activity because a workflow cannot read it. */
    notBefore: timestamp('not_before', { withTimezone: true }),
    /** Since when every attempt failed in passing; progress clears it. Past the limit the step is `unreachable`. */
    failingSince: timestamp('failing_since', { withTimezone: true }),
    blockedAt: timestamp('blocked_at', { withTimezone: true }),
    startedAt: timestamp('started_at', { withTimezone: true }),
    doneAt: timestamp('done_at', { withTimezone: true }),
  },
  (t) => [primaryKey({ columns: [t.kind, t.id, t.round, t.step] })],
);

/** What a step that only reads was answered before a 429 cut it short: its next attempt need not ask again. */
export const keptAnswer = pgTable(
  'kept_answer',
  {
    kind: text().$type<ProcessKind>().notNull(),
    id: text().notNull(),
    round: text().notNull(),
    step: text().notNull(),
    /** A digest of the question and of who asks, and the how-manieth time it was asked. */
    question: text().notNull(),
    /** Given up when this part of the step's work is committed; empty = when the step is over. */
    part: text().notNull(),
    status: integer().notNull(),
    headers: jsonb().$type<Record<string, string>>().notNull(),
    text: text(),
    keptAt: timestamp('kept_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.kind, t.id, t.round, t.step, t.question] })],
);

/** A step that waits for another process: satisfied by a round of it that started at or after `not_before`. */
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
