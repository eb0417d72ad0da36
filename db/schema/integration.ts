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
import { organization } from './organization.ts';
import type { AlertSettings } from '../../domain/alerts.ts';
import type { Rounding } from '../../domain/quantities.ts';
import type { FanOut } from '../../domain/serviceMapping.ts';
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
    /** How alerts become tickets; what is not set has its default. */
    alerts: jsonb().$type<Partial<AlertSettings>>().notNull().default({}),
    credentials: text(),
    /** When they were given, and the day on which they end, if whoever gave them knows it. */
    credentialsAt: timestamp('credentials_at', { withTimezone: true }),
    credentialsExpireOn: date('credentials_expire_on'),
    /** The reseller's name as the vendor told it when the credentials were tried. */
    vendorName: text('vendor_name'),
    /** Intake push: where the vendor says it stands. */
    pushStatus: text('push_status').$type<PushStatus>().notNull().default('inactive'),
    /** What the vendor calls itself towards this organization; what it has not sent comes from the registry. */
    vendorProfile: jsonb('vendor_profile').$type<VendorProfile>().notNull().default({}),
    disconnectedAt: timestamp('disconnected_at', { withTimezone: true }),
    /** Connected again then: older counts say nothing of today. null = all count. */
    countsFrom: timestamp('counts_from', { withTimezone: true }),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (t) => [index().on(t.organizationId)],
);

/** `disabled` and `error` are of the 2023 specification; vendors written then still send them (reference/gradient.md §5.1). */
export type PushStatus = 'inactive' | 'pending' | 'active' | 'disabled' | 'error';

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

/** A key the vendor pushes with; only a SHA-256 is stored (it has 256 random bits, so no salt is needed). */
export const integrationKey = pgTable(
  'integration_key',
  {
    id: uuid().primaryKey().defaultRandom(),
    integrationId: ofIntegration(),
    keyHash: text('key_hash').notNull().unique(),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
    /** When a newer key replaces it for good; null = the newest one. */
    expiresAt: timestamp('expires_at', { withTimezone: true }),
    revokedAt: timestamp('revoked_at', { withTimezone: true }),
    lastUsedAt: timestamp('last_used_at', { withTimezone: true }),
  },
  (t) => [index().on(t.integrationId, t.createdAt)],
);

/** A Mailprotector customer. */
export const vendorAccount = pgTable(
  'vendor_account',
  {
    integrationId: ofIntegration(),
    id: text().notNull(),
    name: text().notNull(),
    description: text().notNull().default(''),
    linked: boolean().notNull().default(false),
    excluded: boolean().notNull().default(false),
    /** When a complete read first lacked it. */
    missingSince: timestamp('missing_since', { withTimezone: true }),
    /** While it is missing: accounts that now count the domains it had, so it was merged into them or moved. */
    movedTo: text('moved_to').array().notNull().default([]),
    /** Since when, and why, its usage could not be read though it is listed: its counts keep their last value. */
    unreadSince: timestamp('unread_since', { withTimezone: true }),
    unreadWhy: text('unread_why'),
    userTypes: jsonb('user_types').$type<Record<string, number>>(),
    /** What a vendor that pushes says of it; kept for it, and not billed by. */
    isActive: boolean('is_active').notNull().default(true),
    isArrears: boolean('is_arrears').notNull().default(false),
  },
  (t) => [primaryKey({ columns: [t.integrationId, t.id] }), index().on(t.integrationId, t.name, t.id)],
);

/** A vendor SKU, copied per integration so that no tenant changes another's catalogue. */
export const service = pgTable(
  'service',
  {
    integrationId: ofIntegration(),
    id: text().notNull(),
    name: text().notNull(),
    description: text().notNull().default(''),
    /** As the vendor files it (reference/gradient.md §4.2). */
    category: text(),
    subcategory: text(),
    supportArticle: text('support_article'),
    supportContact: text('support_contact'),
    /** Of this organization only ("dynamic"): not among the vendor's SKUs. */
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
 * The id under which a vendor is told of a service that it named: opaque, and safe in an address, which the name as its own
 * key need not be. The same for a name in every integration. An expression that an index of the table has.
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
    /** `vendor`: chosen in the vendor's console. */
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

/** One service → one or several products. */
export const serviceMapping = pgTable(
  'service_mapping',
  {
    integrationId: ofIntegration(),
    serviceId: text('service_id').notNull(),
    productIds: text('product_ids').array().notNull(),
    /** With several products: each gets the count, or the one this customer has a line for. */
    fanOut: text('fan_out').$type<FanOut>().notNull().default('parts'),
    rounding: text().$type<Rounding>().notNull().default('none'),
    mappedAt: timestamp('mapped_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.integrationId, t.serviceId] })],
);

/** How several services that feed one product of a connection combine; no default (the same mailbox must not be billed twice). */
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
    /** The way the number came: read from the vendor (`pull`), or sent by it (`push`). */
    source: text().$type<'push' | 'pull'>().notNull().default('pull'),
    runId: uuid('run_id'),
    asOf: timestamp('as_of', { withTimezone: true }).notNull(),
    /** The pair moved beyond its limit in this run: its card is checked first (invariant 3). */
    swing: boolean().notNull().default(false),
    notReportedSince: timestamp('not_reported_since', { withTimezone: true }),
  },
  (t) => [primaryKey({ columns: [t.integrationId, t.vendorAccountId, t.serviceId] })],
);

/**
 * What a vendor posted, the newest number of each pair. A number stays here until a run has made it visible, so that an
 * accepted one survives whatever dies.
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
    /** The run that took it; null = none yet. */
    runId: uuid('run_id'),
  },
  (t) => [
    primaryKey({ columns: [t.integrationId, t.vendorAccountId, t.serviceId] }),
    index('pushed_count_open')
      .on(t.integrationId, t.receivedAt)
      .where(sql`run_id is null`),
  ],
);
