import { sql } from 'drizzle-orm';
import { index, integer, jsonb, pgTable, text, timestamp, unique, uuid } from 'drizzle-orm/pg-core';
import { integration } from './integration.ts';
import { organization } from './organization.ts';

/**
 * `parked` waits for its account to be mapped or a board to be chosen; `waiting` for one of the integration's places;
 * `delivering` has a workflow; `gathered` is told by another alert's ticket, with many; `dead` was refused for good.
 */
export type AlertState = 'parked' | 'waiting' | 'delivering' | 'delivered' | 'gathered' | 'dead' | 'dismissed';
/** Sent by the vendor; derived by a rule of ours; the one that many gather in; a person's test. */
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
    /** The sender's own id of it, which it may give to an alert of each of its accounts (`quota-90`). */
    alertId: text('alert_id').notNull(),
    source: text().$type<AlertSource>().notNull(),
    vendorAccountId: text('vendor_account_id').notNull(),
    serviceId: text('service_id'),
    title: text().notNull(),
    description: text().notNull(),
    /** 1 low to 4 very high. */
    priority: integer().notNull(),
    /** 1 to 6; the meanings are not published (reference/gradient.md §4.2), so it is kept and nothing follows from it. */
    status: integer().notNull(),
    dueAt: timestamp('due_at', { withTimezone: true }),
    /** Grows each time it is sent. */
    revision: integer().notNull().default(1),
    /** The revision in which its words changed last. */
    contentRevision: integer('content_revision').notNull().default(1),
    firstReceivedAt: timestamp('first_received_at', { withTimezone: true }).notNull().defaultNow(),
    receivedAt: timestamp('received_at', { withTimezone: true }).notNull().defaultNow(),
    /** What it told of is over. */
    clearedAt: timestamp('cleared_at', { withTimezone: true }),
    state: text().$type<AlertState>().notNull(),
    /** Why it is parked, dead or dismissed. */
    reason: jsonb().$type<{ code: string; detail: string }>(),
    psaAccountId: text('psa_account_id'),
    gatheredInto: uuid('gathered_into'),
    /** When it got its delivery slot: storms are counted by it. */
    admittedAt: timestamp('admitted_at', { withTimezone: true }),
    /** The revision that is being delivered to the PSA; null = none. */
    deliveringRevision: integer('delivering_revision'),
    /** The newest revision that the ticket holds; 0 = there is no ticket yet. */
    deliveredRevision: integer('delivered_revision').notNull().default(0),
    deliveredAt: timestamp('delivered_at', { withTimezone: true }),
    /** Which ticket it is: a repeat after somebody closed one makes the next. */
    occurrence: integer().notNull().default(1),
    /** What the ticket is found by in the PSA; kept before anything is sent. */
    reference: text().notNull().unique(),
    ticketId: text('ticket_id'),
    ticketUrl: text('ticket_url'),
    previousTicketId: text('previous_ticket_id'),
    /** A POST that is claimed: of what, whether its outcome is known to be unknown, by which claim, how often, since when, and how many attempts to find it were made. */
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
    index('alert_admitted').on(t.integrationId, t.psaAccountId, t.admittedAt),
    index('alert_gathered')
      .on(t.gatheredInto)
      .where(sql`gathered_into is not null`),
  ],
);
