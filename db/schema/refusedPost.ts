import { bigint, index, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core';

/** Why a post was refused: an unknown or ambiguous id, an integration without alerts, or an invalid form. */
export type RefusalCode = 'unknown-account' | 'unknown-service' | 'ambiguous-id' | 'no-alerts' | 'invalid';

/**
 * Counts and alerts of a vendor that were refused: one row per account and service, so that every refusal is seen and the
 * table stays small. A row is deleted when a post of its account and service is accepted.
 */
export const refusedPost = pgTable(
  'refused_post',
  {
    // No foreign key: recording a refusal must not wait for a lock on the integration, nor hold one.
    integrationId: uuid('integration_id').notNull(),
    kind: text().$type<'count' | 'alert'>().notNull(),
    /** The ids as they were posted; empty = they could not be read, or (in an alert) were not looked at. */
    vendorAccountId: text('vendor_account_id').notNull(),
    serviceId: text('service_id').notNull(),
    /** The reason of the last refusal: its code, and the sentence that the vendor got. */
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

/** How often posts were ever refused, and how many rows of `refused_post` were deleted because there were too many. */
export const refusedTotal = pgTable('refused_total', {
  integrationId: uuid('integration_id').primaryKey(),
  times: bigint({ mode: 'number' }).notNull(),
  forgotten: bigint({ mode: 'number' }).notNull().default(0),
});
