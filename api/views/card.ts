/** A card as the API shows it: what is used against what is billed. */
import { z } from '@hono/zod-openapi';
import { namesOfActors } from '../../commands/seen.ts';
import type { Queryable } from '../../db/client.ts';
import { listApprovalsOfCard, namesOfCounts, type findCard } from '../../db/queries/cardList.ts';
import { cardStates, describeRule } from '../../domain/reconcile/review.ts';
import { notWritableReasons, notWritableWords } from '../../domain/psaCaps.ts';
import type { Card } from '../../domain/reconcile.ts';
import type { AccountRule } from '../../domain/reconcile/types.ts';
import { approvalLineStates } from '../../domain/transitions.ts';
import { exampleIds, isoDate } from '../define.ts';
import type { Sheet } from '../sheet.ts';
import { apartSchema, psaApart } from './account.ts';

export const cardKindSchema = z.enum(['new_revenue', 'reconcile', 'no_change', 'only_credits']).openapi({
  description:
    'only_credits = the PSA gives money back for this product (a quantity or price below 0) and bills no seat of it',
});
export const pendingSchema = z
  .enum(['todo', 'writing', 'none'])
  .optional()
  .openapi({ description: 'With a to-do, or a write under way, or with nothing approved that is not over' });

export const cardStateSchema = z.enum(cardStates).openapi({
  description: 'What the card asks of a person; all but `ready` and `agrees` say why it is not approved in bulk',
});
/** At most so many approvals of a card are shown, the newest ones. */
const mostApprovals = 20;
const dayOrNull = z.string().nullable().openapi({ description: 'YYYY-MM-DD', example: '2026-12-15' });
const lineDates = {
  effectiveFrom: dayOrNull,
  /** The first day on which the line is no longer billed. */
  effectiveTo: dayOrNull,
};
/** What a person has decided about this account × product. */
const ruleSchema = z.object({
  notBilled: z.boolean().optional(),
  minimum: z.number().optional(),
  offset: z.number().optional(),
  lineMode: z.enum(['follow', 'never_lower', 'report_only']).optional(),
  reason: z.string(),
  expires: z.string().optional().openapi({ description: 'The last day on which it holds: YYYY-MM-DD' }),
  /** An actor of the audit. */
  author: z.string(),
  words: z.string().openapi({ description: 'What it does, in words', example: 'at least 500' }),
});
export const cardSchema = z
  .object({
    id: z.uuid(),
    psaConnectionId: z.uuid(),
    psaAccountId: z.string(),
    psaAccountName: z.string(),
    psaAccountApart: apartSchema,
    /** The PSA's id of the product, and its Product ID. */
    psaProductId: z.string(),
    productId: z.string().nullable(),
    productName: z.string().nullable(),
    kind: cardKindSchema,
    state: cardStateSchema,
    flags: z.array(z.object({ code: z.string(), reason: z.string(), words: z.string() })),
    /** null = never reported; the console shows —. */
    usage: z.number().nullable(),
    target: z.number().nullable(),
    current: z.number(),
    difference: z.number().nullable(),
    /** The price of one seat on the lines; null when there is none, or several. */
    unitPrice: z.union([z.object({ currency: z.string().nullable(), amount: z.number() }), z.null()]),
    /** What the next invoice would change by if all were billed; null when no one price tells it. */
    worth: z.union([z.object({ currency: z.string().nullable(), amount: z.number() }), z.null()]),
    money: z.array(z.object({ currency: z.string().nullable(), amount: z.number(), notBilled: z.boolean() })),
    preview: z.array(z.string()),
    /** The write that approving the card makes; an approval sends it back as it was shown. */
    write: z
      .object({ lineId: z.string(), from: z.number(), to: z.number(), effectiveDate: z.string().nullable() })
      .nullable(),
    approvable: z.boolean(),
    bulkApprovable: z.boolean(),
    rule: z.union([ruleSchema, z.null()]).openapi({ description: 'The rule in force; null = there is none' }),
    dismissed: z.boolean(),
    /** Why, and until when: a change of its numbers, or a day. */
    dismissal: z.union([
      z.object({
        reason: z.string(),
        until: z.enum(['change', 'date']),
        before: dayOrNull,
        reviewed: z.boolean().openapi({ description: 'Somebody looked at it and leaves what is billed as it is' }),
        by: z.string().nullable(),
        at: z.string().nullable(),
      }),
      z.null(),
    ]),
    /** An approval of the card that is not over: a write under way, or a to-do. `lineId` is Countersign's id. */
    pending: z.union([
      z.object({
        approvalId: z.uuid(),
        lineId: z.uuid(),
        state: z.enum(['intended', 'writing', 'uncertain', 'todo']),
        from: z.number(),
        to: z.number(),
        by: z.string(),
        at: z.string(),
      }),
      z.null(),
    ]),
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
  notWritable: z
    .union([z.object({ reason: z.enum(notWritableReasons), words: z.string() }), z.null()])
    .openapi({ description: 'Why the PSA keeps the line from being written; null = nothing is known against it' }),
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

export const cardDetailSchema = cardSchema
  .extend({
    lines: z.array(lineSchema),
    leftOut: z.array(leftOutSchema),
    /** The line that a person picked to take the difference. */
    pickedLineId: z.string().nullable(),
    /** What was approved of the card before, the newest first. */
    approvals: z.array(
      z.object({
        approvalId: z.uuid(),
        from: z.number(),
        to: z.number(),
        effectiveDate: dayOrNull,
        state: z.enum(approvalLineStates),
        by: z.string(),
        at: isoDate,
        undoOf: z.uuid().nullable(),
      }),
    ),
    /** The names of persons and tokens that the card names, as they are now. */
    names: z.record(z.string(), z.string()),
    explanation: z.object({
      counts: z.array(
        z.looseObject({
          integrationId: z.uuid(),
          vendorAccountId: z.string(),
          serviceId: z.string(),
          quantity: z.number().nullable(),
          source: z
            .enum(['push', 'pull'])
            .openapi({ description: 'pull = Countersign read it, push = the vendor sent it' }),
          asOf: z.string(),
          runId: z.uuid().nullable().openapi({ description: 'The sync run that brought the number' }),
          vendorAccountName: z.string().nullable(),
          serviceName: z.string().nullable(),
          mappedHow: z.enum(['exact', 'vendor', 'person']).nullable(),
          rounding: z.enum(['none', 'up', 'down', 'nearest']).nullable(),
        }),
      ),
      combine: z.string(),
      /** The rule in force, and who made it; null = there is none. A union for the reason given at `approvalSchema`. */
      rule: z.union([ruleSchema.extend({ authorName: z.string() }).openapi('CardRule'), z.null()]),
      linesAsOf: z.array(z.string()),
    }),
  })
  .openapi('CardDetail');

export const exampleCard = {
  id: exampleIds.card,
  psaConnectionId: exampleIds.psaConnection,
  psaAccountId: '250',
  psaAccountName: 'Acme Dental',
  psaAccountApart: null,
  psaProductId: '77',
  productId: 'MP-CLOUDFILTER',
  productName: 'CloudFilter',
  kind: 'reconcile' as const,
  state: 'ready' as const,
  flags: [],
  usage: 43,
  target: 43,
  current: 40,
  difference: 3,
  unitPrice: { currency: 'USD', amount: 2.5 },
  worth: { currency: 'USD', amount: 7.5 },
  money: [{ currency: 'USD', amount: 7.5, notBilled: false }],
  preview: ['First billed on 2026-12-01. Nothing is billed or credited for periods already invoiced.'],
  write: { lineId: '9001', from: 40, to: 43, effectiveDate: '2026-12-01' },
  approvable: true,
  bulkApprovable: true,
  rule: null,
  dismissed: false,
  dismissal: null,
  pending: null,
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
      notWritable: null,
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
  pickedLineId: null,
  approvals: [
    {
      approvalId: exampleIds.approval,
      from: 38,
      to: 40,
      effectiveDate: '2026-11-01',
      state: 'applied' as const,
      by: `person:${exampleIds.line}`,
      at: '2026-10-28T14:00:00.000Z',
      undoOf: null,
    },
  ],
  names: { [`person:${exampleIds.line}`]: 'Ada Lovelace' },
  explanation: {
    counts: [
      {
        integrationId: exampleIds.integration,
        vendorAccountId: '1001',
        serviceId: 'CloudFilter',
        quantity: 43,
        source: 'pull' as const,
        asOf: '2026-11-23T09:00:00.000Z',
        runId: exampleIds.run,
        vendorAccountName: 'Acme Dental',
        serviceName: 'CloudFilter',
        mappedHow: 'exact' as const,
        rounding: 'none' as const,
      },
    ],
    combine: 'one service',
    rule: null,
    linesAsOf: ['2026-12-01'],
  },
};

type CardRow = NonNullable<Awaited<ReturnType<typeof findCard>>>;

export function cardView(row: CardRow) {
  const { detail, currency, amount, dismissed } = row.card;
  const [line] = detail.lines;
  const isOnePrice = detail.lines.every(
    (each) => each.unitPrice === line?.unitPrice && each.currency === line.currency,
  );
  const { dismissal } = row;
  return {
    ...row.card,
    flags: detail.flags,
    money: detail.money,
    preview: detail.preview,
    write: writeOf(detail),
    rule: detail.explanation.rule && ruleView(detail.explanation.rule),
    psaAccountName: row.psaAccountName,
    psaAccountApart: psaApart(row.psaMarks),
    productId: row.productId,
    productName: row.productName,
    unitPrice: line && isOnePrice ? { currency: line.currency, amount: line.unitPrice } : null,
    worth: amount === null ? null : { currency, amount },
    pending: row.pending,
    dismissal:
      dismissed && dismissal
        ? {
            reason: dismissal.reason,
            until: dismissal.until,
            before: dismissal.until === 'date' ? dismissal.before : null,
            reviewed: dismissal.reviewed ?? false,
            by: dismissal.by ?? null,
            at: dismissal.at ?? null,
          }
        : null,
  };
}

const ruleView = (rule: AccountRule) => ({ ...rule, words: describeRule(rule) });

function writeOf({ write }: Card) {
  if (!write) return null;
  const { lineId, quantity, asOf, asOfKnown } = write.line;
  return { lineId, from: quantity, to: write.newQuantity, effectiveDate: asOfKnown ? asOf : null };
}

/** One card with its lines, the origin of every number, and what was approved of it, under the names of who did it. */
export async function cardDetailView(db: Queryable, row: CardRow) {
  const { detail, id } = row.card;
  const card = cardView(row);
  const { counts, rule, ...explanation } = detail.explanation;
  const [named, approvals] = [await namesOfCounts(db, counts), await listApprovalsOfCard(db, id, mostApprovals)];
  const mentioned = [card.dismissal?.by, card.pending?.by, rule?.author, ...approvals.map(({ by }) => by)];
  const actors = mentioned.filter((actor) => actor !== undefined && actor !== null);
  const names = actors.length > 0 ? await namesOfActors(db, actors) : new Map<string, string>();
  return {
    ...card,
    lines: detail.lines.map((line) => ({
      ...line,
      notWritable: line.notWritable ? { reason: line.notWritable, words: notWritableWords[line.notWritable] } : null,
    })),
    leftOut: detail.leftOut,
    pickedLineId: row.pickedLineId,
    approvals,
    names: Object.fromEntries(names),
    explanation: {
      ...explanation,
      rule: rule && { ...ruleView(rule), authorName: names.get(rule.author) ?? rule.author },
      counts: counts.map((count) => {
        const of = named.find(
          (each) =>
            each.integrationId === count.integrationId &&
            each.vendorAccountId === count.vendorAccountId &&
            each.serviceId === count.serviceId,
        );
        return {
          ...count,
          runId: of?.runId ?? null,
          vendorAccountName: of?.vendorAccountName ?? null,
          serviceName: of?.serviceName ?? null,
          mappedHow: of?.how ?? null,
          rounding: of?.rounding ?? null,
        };
      }),
    },
  };
}

export const cardSheet: Sheet<typeof cardSchema> = {
  item: cardSchema,
  columns: [
    ['card', ({ id }) => id],
    ['customer', ({ psaAccountName }) => psaAccountName],
    ['customer id', ({ psaAccountId }) => psaAccountId],
    ['product', ({ productId, psaProductId }) => productId ?? psaProductId],
    ['product name', ({ productName }) => productName],
    ['used', ({ usage }) => usage],
    ['should be billed', ({ target }) => target],
    ['billed', ({ current }) => current],
    ['difference', ({ difference }) => difference],
    ['unit price', ({ unitPrice }) => unitPrice?.amount ?? null],
    ['amount', ({ worth }) => worth?.amount ?? null],
    ['currency', ({ worth }) => worth?.currency ?? null],
    ['kind', ({ kind }) => kind],
    ['state', ({ state }) => state],
    ['rule', ({ rule }) => rule?.words ?? null],
    ['dismissed', ({ dismissed }) => (dismissed ? 'yes' : 'no')],
    ['why', ({ flags }) => flags.map(({ words }) => words).join(' ')],
    ['changed at', ({ changedAt }) => changedAt],
  ],
};
