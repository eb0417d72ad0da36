/** A card as the API shows it: what is used against what is billed. */
import { z } from '@hono/zod-openapi';
import { namesOfActors } from '../../commands/seen.ts';
import type { Queryable } from '../../db/client.ts';
import type { Card } from '../../domain/reconcile.ts';
import { exampleIds, isoDate } from '../define.ts';
import type { ownedCard } from '../owned.ts';

export const cardKindSchema = z.enum(['new_revenue', 'reconcile', 'no_change', 'only_credits']).openapi({
  description:
    'only_credits = the PSA gives money back for this product (a quantity or price below 0) and bills no seat of it',
});
const dayOrNull = z.string().nullable().openapi({ description: 'YYYY-MM-DD', example: '2026-12-15' });
const lineDates = {
  effectiveFrom: dayOrNull,
  /** The first day on which the line is no longer billed. */
  effectiveTo: dayOrNull,
};
export const cardSchema = z
  .object({
    id: z.uuid(),
    psaConnectionId: z.uuid(),
    psaAccountId: z.string(),
    psaAccountName: z.string(),
    /** The PSA's id of the product, and its Product ID. */
    psaProductId: z.string(),
    productId: z.string().nullable(),
    productName: z.string().nullable(),
    kind: cardKindSchema,
    flags: z.array(z.object({ code: z.string(), reason: z.string(), words: z.string() })),
    /** null = never reported; the console shows —. */
    usage: z.number().nullable(),
    target: z.number().nullable(),
    current: z.number(),
    difference: z.number().nullable(),
    money: z.array(z.object({ currency: z.string().nullable(), amount: z.number(), notBilled: z.boolean() })),
    preview: z.array(z.string()),
    /** The write that approving the card makes; an approval sends it back as it was shown. */
    write: z
      .object({ lineId: z.string(), from: z.number(), to: z.number(), effectiveDate: z.string().nullable() })
      .nullable(),
    approvable: z.boolean(),
    bulkApprovable: z.boolean(),
    dismissed: z.boolean(),
    changedAt: isoDate,
  })
  .openapi('Card');

const lineSchema = z.object({
  lineId: z.string(),
  agreementId: z.string(),
  agreementName: z.string(),
  quantity: z.number(),
  includedQuantity: z.number(),
  unitPrice: z.number(),
  currency: z.string().nullable(),
  billed: z.boolean(),
  /** Start of the period the next invoice bills. */
  asOf: z.string(),
  readOn: z.string().openapi({ description: 'The day the line was read as of: asOf, or today when that has passed' }),
  ...lineDates,
  succeeds: z.array(z.object({ lineId: z.string(), quantity: z.number(), effectiveTo: z.string() })).openapi({
    description: 'Lines of the same agreement and product that end within the period, and that this one follows',
  }),
});
const leftOutSchema = z.object({
  lineId: z.string(),
  agreementId: z.string(),
  agreementName: z.string(),
  quantity: z.number(),
  unitPrice: z.number(),
  currency: z.string().nullable(),
  ...lineDates,
  reason: z.string(),
  words: z.string(),
});

/** What a person has decided about this account × product. */
const ruleSchema = z
  .object({
    notBilled: z.boolean().optional(),
    minimum: z.number().optional(),
    offset: z.number().optional(),
    lineMode: z.enum(['follow', 'never_lower', 'report_only']).optional(),
    reason: z.string(),
    expires: z.string().optional().openapi({ description: 'The last day on which it holds: YYYY-MM-DD' }),
    /** An actor of the audit. */
    author: z.string(),
    authorName: z.string(),
  })
  .openapi('CardRule');

export const cardDetailSchema = cardSchema
  .extend({
    lines: z.array(lineSchema),
    leftOut: z.array(leftOutSchema),
    explanation: z.object({
      counts: z.array(
        z.looseObject({
          vendorAccountId: z.string(),
          serviceId: z.string(),
          quantity: z.number().nullable(),
          source: z
            .enum(['push', 'pull'])
            .openapi({ description: 'pull = Countersign read it, push = the vendor sent it' }),
          asOf: z.string(),
        }),
      ),
      combine: z.string(),
      /** The rule in force; null = there is none. A union for the reason given at `approvalSchema`. */
      rule: z.union([ruleSchema, z.null()]),
      linesAsOf: z.array(z.string()),
    }),
  })
  .openapi('CardDetail');

export const exampleCard = {
  id: exampleIds.card,
  psaConnectionId: exampleIds.psaConnection,
  psaAccountId: '250',
  psaAccountName: 'Acme Dental',
  psaProductId: '77',
  productId: 'MP-CLOUDFILTER',
  productName: 'CloudFilter',
  kind: 'reconcile' as const,
  flags: [],
  usage: 43,
  target: 43,
  current: 40,
  difference: 3,
  money: [{ currency: 'USD', amount: 7.5, notBilled: false }],
  preview: ['First billed on 2026-12-01. Nothing is billed or credited for periods already invoiced.'],
  write: { lineId: '9001', from: 40, to: 43, effectiveDate: '2026-12-01' },
  approvable: true,
  bulkApprovable: true,
  dismissed: false,
  changedAt: '2026-11-23T09:00:41.000Z',
};

export const exampleCardDetail = {
  ...exampleCard,
  lines: [
    {
      lineId: '9001',
      agreementId: '31',
      agreementName: 'Managed email',
      quantity: 40,
      includedQuantity: 0,
      unitPrice: 2.5,
      currency: 'USD',
      billed: true,
      asOf: '2026-12-01',
      readOn: '2026-12-01',
      effectiveFrom: '2026-12-15',
      effectiveTo: null,
      succeeds: [{ lineId: '9000', quantity: 38, effectiveTo: '2026-12-15' }],
    },
  ],
  leftOut: [
    {
      lineId: '9000',
      agreementId: '31',
      agreementName: 'Managed email',
      quantity: 38,
      unitPrice: 2.5,
      currency: 'USD',
      effectiveFrom: null,
      effectiveTo: '2026-12-15',
      reason: 'succeeded',
      words: 'the line ends on 2026-12-15, and another line of its agreement follows it before 2027-01-01',
    },
  ],
  explanation: {
    counts: [
      {
        vendorAccountId: '1001',
        serviceId: 'CloudFilter',
        quantity: 43,
        source: 'pull' as const,
        asOf: '2026-11-23T09:00:00.000Z',
      },
    ],
    combine: 'one service',
    rule: null,
    linesAsOf: ['2026-12-01'],
  },
};

type CardRow = Awaited<ReturnType<typeof ownedCard>>;

export function cardView(row: CardRow) {
  const { detail } = row.card;
  return {
    ...row.card,
    flags: detail.flags,
    money: detail.money,
    preview: detail.preview,
    write: writeOf(detail),
    psaAccountName: row.psaAccountName,
    productId: row.productId,
    productName: row.productName,
  };
}

function writeOf({ write }: Card) {
  if (!write) return null;
  const { lineId, quantity, asOf, asOfKnown } = write.line;
  return { lineId, from: quantity, to: write.newQuantity, effectiveDate: asOfKnown ? asOf : null };
}

/** One card with its lines and the origin of every number, and its rule under the name of its author. */
export async function cardDetailView(db: Queryable, row: CardRow) {
  const { detail } = row.card;
  const { counts, rule, ...explanation } = detail.explanation;
  const names = await namesOfActors(db, rule ? [rule.author] : []);
  return {
    ...cardView(row),
    lines: detail.lines,
    leftOut: detail.leftOut,
    explanation: {
      ...explanation,
      counts: counts.map((count) => ({ ...count })),
      rule: rule && { ...rule, authorName: names.get(rule.author) ?? rule.author },
    },
  };
}
