import { sql, type SQL, type SQLWrapper } from 'drizzle-orm';
import {
  boolean,
  date,
  doublePrecision,
  foreignKey,
  index,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core';
import type { PushStatus } from '../../domain/transitions.ts';
import { organization } from './organization.ts';
import type { AlertSettings } from '../../domain/alerts.ts';
import type { ChosenReminders } from '../../domain/reminders.ts';
import type { Rounding } from '../../domain/quantities.ts';
import type { FanOut } from '../../domain/serviceMapping.ts';
import { lookOf } from './look.ts';
import { psaConnection } from './psaConnection.ts';

/** One vendor connected for one organization. */
export const integration = pgTable(
  'integration',
  {
    id: uuid().primaryKey().defaultRandom(),
    organizationId: uuid('organization_id')
      .notNull()
      .references(() => organization.id),
    psaConnectionId: uuid('psa_connection_id')
      .notNull()
      .references(() => psaConnection.id),
    vendor: text().notNull(),
    intake: text().$type<'push' | 'pull'>().notNull(),
    modules: text().array().$type<('billing' | 'alerts')[]>().notNull(),
    /** Vendor settings without secrets: reseller id, count rules, swing limits. */
    settings: jsonb().$type<Record<string, unknown>>().notNull().default({}),
    /** How alerts become tickets; a setting that is absent has its default. */
    alerts: jsonb().$type<Partial<AlertSettings>>().notNull().default({}),
    /** When somebody is reminded of new customers; null = as the installation's settings say. */
    reminders: jsonb().$type<ChosenReminders>(),
    credentials: text(),
    /** When the credentials were given, and the day on which they expire, if the person who gave them knew it. */
    credentialsAt: timestamp('credentials_at', { withTimezone: true }),
    credentialsExpireOn: date('credentials_expire_on'),
    /** The reseller's name, as the vendor answered when the credentials were tried. */
    vendorName: text('vendor_name'),
    /** With intake push: the status that the vendor has set. */
    pushStatus: text('push_status').$type<PushStatus>().notNull().default('inactive'),
    /** How the vendor presents itself to this organization; fields that it has not sent come from the registry. */
    vendorProfile: jsonb('vendor_profile').$type<VendorProfile>().notNull().default({}),
    disconnectedAt: timestamp('disconnected_at', { withTimezone: true }),
    /** When the integration was connected again: counts older than this are outdated. null = all counts hold. */
    countsFrom: timestamp('counts_from', { withTimezone: true }),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (t) => [index().on(t.organizationId)],
);

export interface VendorProfile {
  name?: string;
  description?: string;
  vendorSupportPageUrl?: string;
  integrationPortalUrl?: string;
}

const ofIntegration = () =>
  uuid('integration_id')
    .notNull()
    .references(() => integration.id);

/** A key with which the vendor pushes. Only its SHA-256 is stored (the key has 256 random bits, so no salt is needed). */
export const integrationKey = pgTable(
  'integration_key',
  {
    id: uuid().primaryKey().defaultRandom(),
    integrationId: ofIntegration(),
    keyHash: text('key_hash').notNull().unique(),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
    /** When the key stops working because a newer one replaces it; null = this is the newest key. */
    expiresAt: timestamp('expires_at', { withTimezone: true }),
    revokedAt: timestamp('revoked_at', { withTimezone: true }),
    lastUsedAt: timestamp('last_used_at', { withTimezone: true }),
  },
  (t) => [index().on(t.integrationId, t.createdAt)],
);

/** A customer as the vendor knows it. */
export const vendorAccount = pgTable(
  'vendor_account',
  {
    integrationId: ofIntegration(),
    id: text().notNull(),
    name: text().notNull(),
    description: text().notNull().default(''),
    linked: boolean().notNull().default(false),
    excluded: boolean().notNull().default(false),
    /** When a complete read first lacked the account; null = it is there. */
    missingSince: timestamp('missing_since', { withTimezone: true }),
    /** For a missing account: the accounts that now count its domains, because it was merged into them or moved. */
    movedTo: text('moved_to').array().notNull().default([]),
    /** Since when, and why, the usage of a listed account could not be read; its counts keep their last value. */
    unreadSince: timestamp('unread_since', { withTimezone: true }),
    unreadWhy: text('unread_why'),
    userTypes: jsonb('user_types').$type<Record<string, number>>(),
    /** Flags that a vendor sends with the account. They are stored for the vendor, and billing ignores them. */
    isActive: boolean('is_active').notNull().default(true),
    isArrears: boolean('is_arrears').notNull().default(false),
  },
  (t) => [
    primaryKey({ columns: [t.integrationId, t.id] }),
    index().on(t.integrationId, t.name, t.id),
    index('vendor_account_look').on(t.integrationId, lookOf(t.name)),
  ],
);

/** A vendor SKU, copied per integration so that no tenant changes another's catalogue. */
export const service = pgTable(
  'service',
  {
    integrationId: ofIntegration(),
    id: text().notNull(),
    name: text().notNull(),
    description: text().notNull().default(''),
    /** The category in which the vendor files the service (reference/gradient.md §4.2). */
    category: text(),
    subcategory: text(),
    supportArticle: text('support_article'),
    supportContact: text('support_contact'),
    /** True for a service of this organization only ("dynamic"), which is not among the vendor's SKUs. */
    dynamic: boolean().notNull().default(false),
    isActive: boolean('is_active').notNull().default(true),
    isArrears: boolean('is_arrears').notNull().default(false),
  },
  (t) => [
    primaryKey({ columns: [t.integrationId, t.id] }),
    index('service_given').on(t.integrationId, givenServiceId(t.id)),
  ],
);

/**
 * The id that we give to a service which the vendor created by name: opaque, and safe in a URL, as the name itself may not
 * be. A name has the same id in every integration. The expression must stay the one of the index `service_given`.
 */
export function givenServiceId(id: SQLWrapper): SQL<string> {
  return sql`('svc_' || md5(${id}))`;
}

export const accountMapping = pgTable(
  'account_mapping',
  {
    integrationId: ofIntegration(),
    vendorAccountId: text('vendor_account_id').notNull(),
    psaAccountId: text('psa_account_id').notNull(),
    /** `exact`: the names are equal; `person`: mapped here by a person; `vendor`: chosen in the vendor's console. */
    how: text().$type<'exact' | 'person' | 'vendor'>().notNull(),
    mappedAt: timestamp('mapped_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.integrationId, t.vendorAccountId] }),
    index().on(t.integrationId, t.psaAccountId),
    foreignKey({
      columns: [t.integrationId, t.vendorAccountId],
      foreignColumns: [vendorAccount.integrationId, vendorAccount.id],
    }),
  ],
);

/** Which products a service is billed as: one or several. */
export const serviceMapping = pgTable(
  'service_mapping',
  {
    integrationId: ofIntegration(),
    serviceId: text('service_id').notNull(),
    productIds: text('product_ids').array().notNull(),
    /** With several products: each gets the count (`parts`), or the one for which the customer has a line (`alternatives`). */
    fanOut: text('fan_out').$type<FanOut>().notNull().default('parts'),
    rounding: text().$type<Rounding>().notNull().default('none'),
    mappedAt: timestamp('mapped_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.integrationId, t.serviceId] })],
);

/** How several services that feed one product combine. There is no default: the same mailbox must not be billed twice. */
export const productRule = pgTable(
  'product_rule',
  {
    psaConnectionId: uuid('psa_connection_id')
      .notNull()
      .references(() => psaConnection.id),
    productId: text('product_id').notNull(),
    combine: text().$type<'add' | 'highest' | 'distinct'>().notNull(),
  },
  (t) => [primaryKey({ columns: [t.psaConnectionId, t.productId] })],
);

/** Vendor account × service → quantity. `quantity` null = never reported: shown as —, never 0. */
export const usageCount = pgTable(
  'usage_count',
  {
    integrationId: ofIntegration(),
    vendorAccountId: text('vendor_account_id').notNull(),
    serviceId: text('service_id').notNull(),
    quantity: doublePrecision(),
    parts: jsonb()
      .$type<{ domain: string; group: string; groupId: string; quantity: number }[]>()
      .notNull()
      .default(sql`'[]'`),
    /** How the number arrived: Countersign read it (`pull`), or the vendor sent it (`push`). */
    source: text().$type<'push' | 'pull'>().notNull().default('pull'),
    runId: uuid('run_id'),
    asOf: timestamp('as_of', { withTimezone: true }).notNull(),
    /** True when the pair moved beyond its limit in this run, so that its card is flagged "check first" (invariant 3). */
    swing: boolean().notNull().default(false),
    notReportedSince: timestamp('not_reported_since', { withTimezone: true }),
  },
  (t) => [primaryKey({ columns: [t.integrationId, t.vendorAccountId, t.serviceId] })],
);

/**
 * The newest number of each pair that a vendor posted. A number stays here until a run has made it visible, so that an
 * accepted number survives the death of any process.
 */
export const pushedCount = pgTable(
  'pushed_count',
  {
    integrationId: ofIntegration(),
    vendorAccountId: text('vendor_account_id').notNull(),
    serviceId: text('service_id').notNull(),
    quantity: doublePrecision().notNull(),
    receivedAt: timestamp('received_at', { withTimezone: true }).notNull().defaultNow(),
    /** Whether any post since the last run asked for the numbers to be shown (`no_build` was not set). */
    build: boolean().notNull(),
    /** The run that took the number; null = none yet. */
    runId: uuid('run_id'),
  },
  (t) => [
    primaryKey({ columns: [t.integrationId, t.vendorAccountId, t.serviceId] }),
    index('pushed_count_open')
      .on(t.integrationId, t.receivedAt)
      .where(sql`run_id is null`),
  ],
);
