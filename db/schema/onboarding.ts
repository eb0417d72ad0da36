import { sql } from 'drizzle-orm';
import { boolean, foreignKey, index, integer, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import type { OnboardingState } from '../../domain/transitions.ts';
import { integration, vendorAccount } from './integration.ts';
import { organization } from './organization.ts';

/** The onboarding of a customer that appeared after connect, from being found to its first card; its process is `onboardCustomer`. */
export const onboarding = pgTable(
  'onboarding',
  {
    integrationId: uuid('integration_id')
      .notNull()
      .references(() => integration.id),
    vendorAccountId: text('vendor_account_id').notNull(),
    organizationId: uuid('organization_id')
      .notNull()
      .references(() => organization.id),
    state: text().$type<OnboardingState>().notNull().default('found'),
    foundBy: text('found_by').$type<FoundBy>().notNull(),
    foundAt: timestamp('found_at', { withTimezone: true }).notNull().defaultNow(),
    /** True when `startOnboardings` has to wake its workflow; a thousand onboardings at once are woken in turns. */
    toWake: boolean('to_wake').notNull().default(false),
    /** True after a person removed its mapping: it is no longer mapped by an exact name. */
    namesRefused: boolean('names_refused').notNull().default(false),
    reminders: integer().notNull().default(0),
    remindedAt: timestamp('reminded_at', { withTimezone: true }),
    /** Since when it has been a problem that nobody has mapped the customer. */
    escalatedAt: timestamp('escalated_at', { withTimezone: true }),
    endedAt: timestamp('ended_at', { withTimezone: true }),
  },
  (t) => [
    primaryKey({ columns: [t.integrationId, t.vendorAccountId] }),
    foreignKey({
      columns: [t.integrationId, t.vendorAccountId],
      foreignColumns: [vendorAccount.integrationId, vendorAccount.id],
    }),
    index().on(t.organizationId, t.foundAt),
    index('onboarding_to_start')
      .on(t.integrationId)
      .where(sql`state = 'found' or to_wake`),
  ],
);

/** Found by a `sync` that read the vendor; sent by the `vendor`; or linked, or included again, by a `person`. */
export type FoundBy = 'sync' | 'vendor' | 'person';
