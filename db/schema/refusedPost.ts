import { bigint, index, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core';

/** What was wrong with a post: an id that nobody knows or that may be several, an integration without alerts, its form. */
export type RefusalCode = 'unknown-account' | 'unknown-service' | 'ambiguous-id' | 'no-alerts' | 'invalid';

/**
 * Counts and alerts of a vendor that were refused, one row of each account and service: so many that none goes unseen, and no
 * more. A row goes when a post of its account and service is taken.
 */
export const refusedPost = pgTable(
  'refused_post',
  {
    // No reference: a refusal must not wait for whoever holds the integration, nor he for it.
    integrationId: uuid('integration_id').notNull(),
    kind: text().$type<'count' | 'alert'>().notNull(),
    /** As they were posted; empty = it could not be read, or (of an alert) was not looked at. */
    vendorAccountId: text('vendor_account_id').notNull(),
    serviceId: text('service_id').notNull(),
    /** Why, the last time, as a code and as the vendor was told. */
    code: text().$type<RefusalCode>().notNull(),
    detail: text().notNull(),
    firstAt: timestamp('first_at', { withTimezone: true }).notNull().defaultNow(),
    lastAt: timestamp('last_at', { withTimezone: true }).notNull().defaultNow(),
    times: bigint({ mode: 'number' }).notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.integrationId, t.kind, t.vendorAccountId, t.serviceId] }),
    index('refused_post_latest').on(t.integrationId, t.lastAt),
  ],
);

/** How often posts were refused ever, and how many rows there was no room for. */
export const refusedTotal = pgTable('refused_total', {
  integrationId: uuid('integration_id').primaryKey(),
  times: bigint({ mode: 'number' }).notNull(),
  forgotten: bigint({ mode: 'number' }).notNull().default(0),
});
