import { sql } from 'drizzle-orm';
import { boolean, foreignKey, index, integer, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { integration, vendorAccount } from './integration.ts';
import { organization } from './organization.ts';

/** A customer that appeared after connect: from being found to its first card. Its process is `onboardCustomer`. */
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
    /** Its workflow has to be woken, by `startOnboardings`: a thousand at once take their turns. */
    toWake: boolean('to_wake').notNull().default(false),
    /** A person took its mapping back: names map it no more. */
    namesRefused: boolean('names_refused').notNull().default(false),
    reminders: integer().notNull().default(0),
    remindedAt: timestamp('reminded_at', { withTimezone: true }),
    /** Since when it is a problem that nobody has mapped it. */
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

/**
 * `found`: it has no process yet; `waiting`: for a person to map it; `mapped`: its counts are on their way; `done`. Or it
 * ended otherwise: a person excluded it, the vendor no longer has it, the integration was disconnected.
 */
export type OnboardingState = 'found' | 'waiting' | 'mapped' | 'done' | 'excluded' | 'gone' | 'disconnected';

/** A sync found it at the vendor; the vendor sent it; a person linked it, or included it again. */
export type FoundBy = 'sync' | 'vendor' | 'person';
