import { index, jsonb, integer, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core';

/** The MSP, the tenant: every row of the other tables belongs to exactly one organization. */
export const organization = pgTable('organization', {
  id: uuid().primaryKey().defaultRandom(),
  name: text().notNull(),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
});

/** Bearer tokens of the REST API; only a SHA-256 is stored (the token has 256 random bits, so no salt is needed). */
export const apiToken = pgTable(
  'api_token',
  {
    id: uuid().primaryKey().defaultRandom(),
    organizationId: uuid('organization_id')
      .notNull()
      .references(() => organization.id),
    name: text().notNull(),
    tokenHash: text('token_hash').notNull().unique(),
    scopes: text().array().notNull(),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
    /** An actor of the audit; null for a token from before this was noted. */
    createdBy: text('created_by'),
    lastUsedAt: timestamp('last_used_at', { withTimezone: true }),
    /** From then on it opens nothing; null = it does not expire. */
    expiresAt: timestamp('expires_at', { withTimezone: true }),
    revokedAt: timestamp('revoked_at', { withTimezone: true }),
  },
  (t) => [index().on(t.organizationId)],
);

/** Answers kept for `Idempotency-Key`; `status` is null while the first request is under way. `response` never holds keys or secrets. */
export const idempotencyKey = pgTable(
  'idempotency_key',
  {
    organizationId: uuid('organization_id')
      .notNull()
      .references(() => organization.id),
    key: text().notNull(),
    route: text().notNull(),
    requestHash: text('request_hash').notNull(),
    status: integer(),
    response: jsonb(),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.organizationId, t.key] }), index().on(t.createdAt)],
);
