import { sql } from 'drizzle-orm';
import {
  boolean,
  doublePrecision,
  index,
  integer,
  jsonb,
  numeric,
  pgTable,
  primaryKey,
  text,
  timestamp,
  unique,
  uuid,
} from 'drizzle-orm/pg-core';
import type { ApprovalBatchState, ApprovalLineState } from '../../domain/transitions.ts';
import type { AccountRule, Card, CardKind, Dismissal } from '../../domain/reconcile.ts';
import type { CardState, FoundKind } from '../../domain/reconcile/review.ts';
import { organization } from './organization.ts';
import { psaConnection } from './psaConnection.ts';

/** The largest first, and nothing last, as `orders` in queries/cardList.ts has them. */
const byDifference = sql`(-coalesce(abs(difference), -1))`;
const byMoney = sql`(case when state = 'agrees' then 3 when amount is null then 1 when amount = 0 then 2 else -abs(amount) end)`;

/** One PSA account × one PSA product to reconcile. Cards are recomputed, never edited. */
export const card = pgTable(
  'card',
  {
    id: uuid().primaryKey().defaultRandom(),
    organizationId: uuid('organization_id')
      .notNull()
      .references(() => organization.id),
    psaConnectionId: uuid('psa_connection_id')
      .notNull()
      .references(() => psaConnection.id),
    psaAccountId: text('psa_account_id').notNull(),
    psaProductId: text('psa_product_id').notNull(),
    kind: text().$type<CardKind>().notNull(),
    flags: text().array().notNull(),
    usage: doublePrecision(),
    target: doublePrecision(),
    current: doublePrecision().notNull(),
    difference: doublePrecision(),
    approvable: boolean().notNull(),
    bulkApprovable: boolean('bulk_approvable').notNull(),
    dismissed: boolean().notNull().default(false),
    /** The whole card as domain/reconcile.ts computes it: lines, money, preview, explanation. */
    detail: jsonb().$type<Card>().notNull(),
    changedAt: timestamp('changed_at', { withTimezone: true }).notNull().defaultNow(),
    /** Since when what is used and what is billed differ without a break; null while they agree. */
    differsSince: timestamp('differs_since', { withTimezone: true }),
    /** What follows is for lists and sums. The names are those of the PSA, which recomputes the cards when it is read. */
    state: text().$type<CardState>().notNull().default('agrees'),
    accountName: text('account_name').notNull().default(''),
    /** The PSA's Product ID, or the id of a product that the PSA does not list. */
    productName: text('product_name').notNull().default(''),
    /** Names of account and product in lower case and in one form (NFC), in which a search looks. */
    search: text().notNull().default(''),
    /** The integrations whose services are mapped to the product. */
    integrationIds: uuid('integration_ids').array().notNull().default([]),
    found: text().$type<FoundKind>(),
    currency: text(),
    /** A decimal, so that sums are exact; unbounded, because a PSA's row may hold any quantity at any price. */
    amount: numeric({ mode: 'number' }),
  },
  (t) => [
    unique().on(t.psaConnectionId, t.psaAccountId, t.psaProductId),
    // Finds the customers of a month-end sheet; most cards agree, so the index is partial.
    index('card_differs')
      .on(t.organizationId, t.psaConnectionId, t.psaAccountId)
      .where(sql`kind <> 'no_change'`),
    index().on(t.organizationId, t.kind, t.id),
    index().on(t.organizationId, t.id),
    // One for each order of the list, so that a page costs the same however many cards there are.
    index().on(t.organizationId, t.accountName, t.productName, t.id),
    index().on(t.organizationId, t.productName, t.accountName, t.id),
    index('card_by_difference').on(t.organizationId, byDifference, t.id),
    index('card_by_money').on(t.organizationId, byMoney, byDifference, t.id),
    // What is billed too much is rare where most is billed too little, and stands last there; and the other way round.
    ...(['over', 'under'] as const).flatMap((direction) => [
      index(`card_${direction}_by_difference`)
        .on(t.organizationId, byDifference, t.id)
        .where(direction === 'over' ? sql`difference < 0` : sql`difference > 0`),
      index(`card_${direction}_by_money`)
        .on(t.organizationId, byMoney, byDifference, t.id)
        .where(direction === 'over' ? sql`difference < 0` : sql`difference > 0`),
    ]),
    index('card_search').using('gin', t.search.op('gin_trgm_ops')),
    // Counts are made of these alone.
    index().on(t.organizationId, t.dismissed, t.state),
    index('card_found')
      .on(t.organizationId, t.found, t.currency, t.amount, t.psaAccountId)
      .where(sql`found is not null and not dismissed`),
  ],
);

/** A person's decisions for an account × product; they outlive the card. */
export const cardDecision = pgTable(
  'card_decision',
  {
    psaConnectionId: uuid('psa_connection_id')
      .notNull()
      .references(() => psaConnection.id),
    psaAccountId: text('psa_account_id').notNull(),
    psaProductId: text('psa_product_id').notNull(),
    rule: jsonb().$type<AccountRule>(),
    lineId: text('line_id'),
    dismissal: jsonb().$type<Dismissal>(),
  },
  (t) => [primaryKey({ columns: [t.psaConnectionId, t.psaAccountId, t.psaProductId] })],
);

export const approvalBatch = pgTable(
  'approval_batch',
  {
    id: uuid().primaryKey().defaultRandom(),
    organizationId: uuid('organization_id')
      .notNull()
      .references(() => organization.id),
    psaConnectionId: uuid('psa_connection_id')
      .notNull()
      .references(() => psaConnection.id),
    /** `todo`: writing is off, so a person does it in the PSA and the next PSA read verifies it. */
    state: text().$type<ApprovalBatchState>().notNull(),
    undoOf: uuid('undo_of'),
    /** The preview that was signed off, if there was one. It may have expired since; the lines of this batch are what it showed. */
    previewId: uuid('preview_id'),
    requestedBy: text('requested_by').notNull(),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
    closedAt: timestamp('closed_at', { withTimezone: true }),
  },
  (t) => [index().on(t.organizationId, t.createdAt)],
);

const open = sql`state in ('intended', 'writing', 'uncertain', 'todo')`;

/** One signed-off write: an absolute quantity for one agreement line (invariant 5). */
export const approvalLine = pgTable(
  'approval_line',
  {
    id: uuid().primaryKey().defaultRandom(),
    batchId: uuid('batch_id')
      .notNull()
      .references(() => approvalBatch.id),
    position: integer().notNull(),
    cardId: uuid('card_id').notNull(),
    psaAccountId: text('psa_account_id').notNull(),
    psaProductId: text('psa_product_id').notNull(),
    agreementId: text('agreement_id').notNull(),
    lineId: text('line_id').notNull(),
    from: doublePrecision('expected_quantity').notNull(),
    expectedVersion: text('expected_version'),
    to: doublePrecision('target').notNull(),
    /** The agreement's next invoice date when it was approved: undo is refused once it has moved. */
    nextInvoiceDate: text('next_invoice_date'),
    /** How the next invoice changes by it, as the card showed it; null = not known. */
    amount: doublePrecision(),
    currency: text(),
    notBilled: boolean('not_billed').notNull().default(false),
    state: text().$type<ApprovalLineState>().notNull(),
    claims: integer().notNull().default(0),
    claimedAt: timestamp('claimed_at', { withTimezone: true }),
    settledAt: timestamp('settled_at', { withTimezone: true }),
    problem: jsonb().$type<{ code: string; detail: string }>(),
    /** The approval that signed the same card or line off again while this one was still a to-do. */
    replacedBy: uuid('replaced_by'),
    /** Since when somebody has the line in use in the PSA, and when the write is tried again. */
    lockedSince: timestamp('locked_since', { withTimezone: true }),
    notBefore: timestamp('not_before', { withTimezone: true }),
  },
  (t) => [
    index().on(t.batchId, t.position),
    // Finds the next 25 lines of a state, and counts them, in a batch of any size.
    index().on(t.batchId, t.state, t.position),
    // Few lines are open compared with all that ever were, so these indexes are partial.
    index('approval_line_open_card').on(t.cardId).where(open),
    // Shows on a card what was approved before.
    index().on(t.cardId),
    index('approval_line_open_line').on(t.lineId).where(open),
    // Finds what was decided about a card, also when the card was made anew meanwhile.
    index().on(t.psaAccountId, t.psaProductId),
  ],
);
