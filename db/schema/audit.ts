import { bigserial, index, jsonb, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { organization } from './organization.ts';

/** Who changed what, written in the transaction that changed it (invariant 8). Never holds a secret. */
export const audit = pgTable(
  'audit',
  {
    id: bigserial({ mode: 'number' }).primaryKey(),
    organizationId: uuid('organization_id')
      .notNull()
      .references(() => organization.id),
    at: timestamp({ withTimezone: true }).notNull().defaultNow(),
    /** `token:{id}`, `person:{id}`, or `countersign` for a change that a process made by itself. */
    actor: text().notNull(),
    action: text().notNull(),
    subjectKind: text('subject_kind').notNull(),
    subjectId: text('subject_id').notNull(),
    before: jsonb(),
    after: jsonb(),
  },
  (t) => [
    index().on(t.organizationId, t.id),
    index().on(t.organizationId, t.at),
    index().on(t.organizationId, t.subjectKind, t.subjectId, t.id),
  ],
);
