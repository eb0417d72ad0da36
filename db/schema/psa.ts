import { boolean, date, doublePrecision, index, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import type { NotWritableReason } from '../../domain/psaCaps.ts';
import { lookOf } from './look.ts';
import { psaConnection } from './psaConnection.ts';

const connection = () =>
  uuid('psa_connection_id')
    .notNull()
    .references(() => psaConnection.id);

export const psaAccount = pgTable(
  'psa_account',
  {
    psaConnectionId: connection(),
    id: text().notNull(),
    code: text(),
    name: text().notNull(),
    active: boolean().notNull(),
    prospect: boolean().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.psaConnectionId, t.id] }),
    index().on(t.psaConnectionId, t.name, t.id),
    index('psa_account_look').on(t.psaConnectionId, lookOf(t.name)),
  ],
);

export const psaProduct = pgTable(
  'psa_product',
  {
    psaConnectionId: connection(),
    id: text().notNull(),
    productId: text('product_id').notNull(),
    name: text().notNull(),
    active: boolean().notNull(),
    recurring: boolean(),
    usableOnContract: boolean('usable_on_contract').notNull(),
  },
  (t) => [primaryKey({ columns: [t.psaConnectionId, t.id] }), index().on(t.psaConnectionId, t.productId, t.id)],
);

export const psaBoard = pgTable(
  'psa_board',
  {
    psaConnectionId: connection(),
    id: text().notNull(),
    name: text().notNull(),
    projectBoard: boolean('project_board').notNull(),
    active: boolean().notNull(),
  },
  (t) => [primaryKey({ columns: [t.psaConnectionId, t.id] })],
);

export const agreement = pgTable(
  'agreement',
  {
    psaConnectionId: connection(),
    id: text().notNull(),
    accountId: text('account_id').notNull(),
    name: text().notNull(),
    status: text().$type<'active' | 'inactive' | 'cancelled' | 'expired'>().notNull(),
    nextInvoiceDate: date('next_invoice_date', { mode: 'string' }),
    startDate: date('start_date', { mode: 'string' }),
    endDate: date('end_date', { mode: 'string' }),
    billingCycle: text('billing_cycle'),
    monthly: boolean().notNull(),
    neverBilled: boolean('never_billed').notNull(),
    currency: text(),
    /** The PSA's version of the row, if it has one. */
    version: text(),
    /** For an inactive agreement: the version at which its lines were read. They are read again when the version changes. */
    linesVersion: text('lines_version'),
  },
  (t) => [primaryKey({ columns: [t.psaConnectionId, t.id] }), index().on(t.psaConnectionId, t.accountId)],
);

/** A recurring quantity in the PSA (`line` in the PSA's words). */
export const agreementLine = pgTable(
  'agreement_line',
  {
    psaConnectionId: connection(),
    id: text().notNull(),
    agreementId: text('agreement_id').notNull(),
    productId: text('product_id').notNull(),
    description: text(),
    quantity: doublePrecision().notNull(),
    includedQuantity: doublePrecision('included_quantity').notNull(),
    unitPrice: doublePrecision('unit_price').notNull(),
    billing: text().$type<'billable' | 'do_not_bill' | 'no_charge'>().notNull(),
    effectiveFrom: date('effective_from', { mode: 'string' }),
    effectiveTo: date('effective_to', { mode: 'string' }),
    status: text().$type<'active' | 'inactive' | 'cancelled' | 'expired'>().notNull(),
    version: text().notNull(),
    /** Why the PSA keeps the line from being written; null = nothing is known against it. */
    notWritable: text('not_writable').$type<NotWritableReason>(),
    /** When an approved write, or reading back after it, set the quantity; a refresh that began earlier must not overwrite it. */
    writtenAt: timestamp('written_at', { withTimezone: true }),
  },
  (t) => [primaryKey({ columns: [t.psaConnectionId, t.id] }), index().on(t.psaConnectionId, t.agreementId)],
);

/**
 * What the newest refresh could not read: a row of these lists, or the `lines` of an agreement. The rows that were last read
 * are kept, and the cards of the account say so and are not approvable.
 */
export const psaUnread = pgTable(
  'psa_unread',
  {
    psaConnectionId: connection(),
    entity: text().$type<'psa_account' | 'psa_product' | 'psa_board' | 'agreement' | 'lines'>().notNull(),
    /** The id of the row; for `lines` that of the agreement. */
    id: text().notNull(),
    name: text(),
    accountId: text('account_id'),
    /** What was wrong; may quote the PSA. */
    why: text().notNull(),
    since: timestamp({ withTimezone: true }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.psaConnectionId, t.entity, t.id] }), index().on(t.psaConnectionId, t.accountId)],
);
