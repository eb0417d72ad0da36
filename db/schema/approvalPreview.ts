import {
  boolean,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core';
import { approvalBatch } from './card.ts';
import type { SkipReason } from '../../domain/approval.ts';
import { organization } from './organization.ts';
import { psaConnection } from './psaConnection.ts';

/** Which cards a bulk approval concerns; without a filter all cards of the connection. */
export interface PreviewFilter {
  psaAccountId?: string | undefined;
  psaProductId?: string | undefined;
  integrationId?: string | undefined;
  direction?: 'under' | 'over' | undefined;
  search?: string | undefined;
  pending?: 'todo' | 'writing' | 'none' | undefined;
  /** Only these. */
  cardIds?: string[] | undefined;
}

export interface PreviewMoney {
  currency: string | null;
  amount: number;
  notBilled: boolean;
  cards: number;
}

/** The exact writes that a bulk approval would make, as they are shown to the person who may then sign them off. */
export const approvalPreview = pgTable(
  'approval_preview',
  {
    id: uuid().primaryKey().defaultRandom(),
    organizationId: uuid('organization_id')
      .notNull()
      .references(() => organization.id),
    psaConnectionId: uuid('psa_connection_id')
      .notNull()
      .references(() => psaConnection.id),
    filter: jsonb().$type<PreviewFilter>().notNull(),
    requestedBy: text('requested_by').notNull(),
    cards: integer().notNull().default(0),
    /** Sums per currency; different currencies are never added. */
    money: jsonb().$type<PreviewMoney[]>().notNull().default([]),
    leftOut: jsonb('left_out').$type<{ reason: string; cards: number }[]>().notNull().default([]),
    /** The approval that this preview became; a preview is signed off only once. */
    approvalId: uuid('approval_id'),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
    expiresAt: timestamp('expires_at', { withTimezone: true }).notNull(),
  },
  (t) => [index().on(t.organizationId, t.createdAt), index().on(t.expiresAt)],
);

export const approvalPreviewLine = pgTable(
  'approval_preview_line',
  {
    previewId: uuid('preview_id')
      .notNull()
      .references(() => approvalPreview.id, { onDelete: 'cascade' }),
    position: integer().notNull(),
    cardId: uuid('card_id').notNull(),
    psaAccountId: text('psa_account_id').notNull(),
    psaProductId: text('psa_product_id').notNull(),
    agreementId: text('agreement_id').notNull(),
    lineId: text('line_id').notNull(),
    from: doublePrecision('from_quantity').notNull(),
    to: doublePrecision('to_quantity').notNull(),
    /** The agreement's next invoice date; null when it has none. */
    effectiveDate: text('effective_date'),
    currency: text(),
    amount: doublePrecision().notNull(),
    notBilled: boolean('not_billed').notNull(),
  },
  (t) => [primaryKey({ columns: [t.previewId, t.position] })],
);

/** A card that the person asked to approve and that was left out: the write that was shown, and the write that it offers now. */
export const approvalSkipped = pgTable(
  'approval_skipped',
  {
    batchId: uuid('batch_id')
      .notNull()
      .references(() => approvalBatch.id),
    position: integer().notNull(),
    cardId: uuid('card_id').notNull(),
    /** Null when neither the card nor the line was there any more. */
    psaAccountId: text('psa_account_id'),
    psaProductId: text('psa_product_id'),
    reason: text().$type<SkipReason>().notNull(),
    /** The card's own reason, if it has one. */
    words: text(),
    askedLineId: text('asked_line_id').notNull(),
    askedFrom: doublePrecision('asked_from').notNull(),
    askedTo: doublePrecision('asked_to').notNull(),
    askedDate: text('asked_date'),
    /** Null when the card offers no write now. */
    nowLineId: text('now_line_id'),
    nowFrom: doublePrecision('now_from'),
    nowTo: doublePrecision('now_to'),
    nowDate: text('now_date'),
  },
  (t) => [
    primaryKey({ columns: [t.batchId, t.position] }),
    index().on(t.batchId, t.reason),
    index().on(t.psaAccountId, t.psaProductId),
  ],
);
