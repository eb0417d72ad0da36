import { sql } from 'drizzle-orm';
import { index, integer, jsonb, pgTable, text, timestamp, unique, uuid } from 'drizzle-orm/pg-core';
import type { AlertReason } from '../../domain/alerts.ts';
import type { AlertState } from '../../domain/transitions.ts';
import { integration } from './integration.ts';
import { organization } from './organization.ts';

/** `vendor`: sent by the vendor; `rule`: derived by us; `storm`: the one alert in which many are gathered; `test`: a person's test. */
export type AlertSource = 'vendor' | 'rule' | 'storm' | 'test';

/** One alert of one account, however often it was sent, and the ticket it became (invariant 6). */
export const alert = pgTable(
  'alert',
  {
    id: uuid().primaryKey(),
    organizationId: uuid('organization_id')
      .notNull()
      .references(() => organization.id),
    integrationId: uuid('integration_id')
      .notNull()
      .references(() => integration.id),
    /** The sender's id of the alert; a sender may use one id for each of its accounts (`quota-90`). */
    alertId: text('alert_id').notNull(),
    source: text().$type<AlertSource>().notNull(),
    vendorAccountId: text('vendor_account_id').notNull(),
    serviceId: text('service_id'),
    title: text().notNull(),
    description: text().notNull(),
    /** 1 low to 4 very high. */
    priority: integer().notNull(),
    /** 1 to 6. The meanings are not published (reference/gradient.md §4.2), so the number is stored and has no effect. */
    status: integer().notNull(),
    dueAt: timestamp('due_at', { withTimezone: true }),
    /** Grows by 1 each time the alert is sent. */
    revision: integer().notNull().default(1),
    /** The revision in which the alert's text last changed. */
    contentRevision: integer('content_revision').notNull().default(1),
    firstReceivedAt: timestamp('first_received_at', { withTimezone: true }).notNull().defaultNow(),
    receivedAt: timestamp('received_at', { withTimezone: true }).notNull().defaultNow(),
    /** When the condition that the alert reports ended; null = it still holds. */
    clearedAt: timestamp('cleared_at', { withTimezone: true }),
    state: text().$type<AlertState>().notNull(),
    /** Why the alert is parked, dead or dismissed. */
    reason: jsonb().$type<AlertReason>(),
    psaAccountId: text('psa_account_id'),
    gatheredInto: uuid('gathered_into'),
    /** When the alert got its delivery slot; storms are counted by this time. */
    admittedAt: timestamp('admitted_at', { withTimezone: true }),
    /** The revision that is being delivered to the PSA; null = none. */
    deliveringRevision: integer('delivering_revision'),
    /** The newest revision that the ticket holds; 0 = there is no ticket yet. */
    deliveredRevision: integer('delivered_revision').notNull().default(0),
    deliveredAt: timestamp('delivered_at', { withTimezone: true }),
    /** The number of the alert's ticket: a repeat after somebody closed the ticket makes the next one. */
    occurrence: integer().notNull().default(1),
    /** The reference by which the ticket is found in the PSA; stored before anything is sent. */
    reference: text().notNull().unique(),
    ticketId: text('ticket_id'),
    ticketUrl: text('ticket_url'),
    previousTicketId: text('previous_ticket_id'),
    /**
     * A claimed POST: what it creates, whether its outcome is uncertain, the claim's id, how many claims there were, since
     * when it is claimed, and how many attempts to find its result were made.
     */
    post: text().$type<'ticket' | 'note'>(),
    postState: text('post_state').$type<'writing' | 'uncertain'>(),
    claimId: uuid('claim_id'),
    claims: integer().notNull().default(0),
    claimedAt: timestamp('claimed_at', { withTimezone: true }),
    attempts: integer().notNull().default(0),
  },
  (t) => [
    unique().on(t.integrationId, t.vendorAccountId, t.alertId),
    index().on(t.organizationId, t.firstReceivedAt, t.id),
    index('alert_waiting')
      .on(t.integrationId, t.receivedAt)
      .where(sql`state = 'waiting'`),
    index('alert_delivering')
      .on(t.integrationId)
      .where(sql`state = 'delivering'`),
    index('alert_parked')
      .on(t.integrationId, t.vendorAccountId)
      .where(sql`state = 'parked'`),
    // For the admission, which gives no slots while the PSA refuses what every ticket is made with.
    index('alert_refused_for_all')
      .on(t.integrationId)
      .where(sql`state = 'dead' and reason ->> 'of' is not null`),
    index('alert_admitted').on(t.integrationId, t.psaAccountId, t.admittedAt),
    index('alert_gathered')
      .on(t.gatheredInto)
      .where(sql`gathered_into is not null`),
  ],
);
