/** The month-end sheet as the API shows it. */
import { z } from '@hono/zod-openapi';
import { skippedOf } from '../../commands/approval.ts';
import { namesOfActors } from '../../commands/seen.ts';
import type { Queryable } from '../../db/client.ts';
import type { SheetLine } from '../../db/queries/monthEnd.ts';
import type { UnbilledUsage } from '../../db/queries/unbilledUsage.ts';
import { describeSkipped } from '../../domain/approval.ts';
import {
  describeDismissal,
  describeOutcome,
  describeUnbilled,
  describeUntouched,
  outcomeOf,
  sheetOutcomes,
  sheetParts,
  sheetSums,
  sumOf,
  unbilledReasons,
} from '../../domain/monthEnd.ts';
import { exampleIds, isoDateOrNull } from '../define.ts';
import type { Sheet } from '../sheet.ts';
import { apartSchema } from './account.ts';

const cardsSchema = z.object({
  approved: z.int(),
  skipped: z.int(),
  dismissed: z.int(),
  untouched: z.int(),
  billed: z.int().openapi({ description: 'Of the approved ones: the PSA holds it, and it was not undone' }),
  open: z.int().openapi({ description: 'Of the approved ones: not settled yet' }),
  openEarlier: z.int().openapi({ description: 'Of the open ones: approved before the period' }),
  notWritten: z.int().openapi({ description: 'Of the approved ones: it came to nothing, or was undone' }),
  differAgain: z.int().openapi({ description: 'Of the approved ones: those that differ again, or still, now' }),
  unpriced: z.int().openapi({ description: 'Of all: those whose money is not known, so that no sum has it' }),
  unpricedIn: z
    .object({
      billed: z.int(),
      open: z.int(),
      notWritten: z.int(),
      skipped: z.int(),
      dismissed: z.int(),
      untouched: z.int(),
    })
    .openapi({ description: 'The same, by the sum in which each would stand' }),
});

const moneySchema = z
  .object({
    currency: z.string().nullable(),
    billed: z.number().openapi({ description: 'Approved, and the PSA holds it: net of what was undone later' }),
    open: z.number().openapi({
      description: 'Approved, in the period or before it, and not settled yet: under way, uncertain, or a to-do',
    }),
    notWritten: z.number().openapi({
      description: 'Approved, and it came to nothing: conflict, refused, withdrawn, replaced, or undone in the period',
    }),
    skipped: z.number(),
    dismissed: z.number(),
    untouched: z.number(),
    total: z.number().openapi({ description: 'The sum of the six' }),
  })
  .openapi('MonthEndMoney', {
    description:
      'How the next invoices change, in one currency: each sum is of the lines that it names, and together they are all lines',
  });

export const periodSchema = z.object({
  from: z.string(),
  to: z.string().openapi({ description: 'The last day' }),
  timeZone: z.string(),
});

const sumsShape = {
  lines: z.int(),
  cards: cardsSchema,
  withoutLine: z.object({ cards: z.int(), seats: z.number() }).openapi({
    description:
      'Of the cards that nobody has approved: used, and no line bills it. They have no money before a line is there',
  }),
  money: z.array(moneySchema),
};

const unbilledSumSchema = z.object({ why: z.enum(unbilledReasons), count: z.int(), seats: z.number() });

export const monthEndSchema = z
  .object({
    period: periodSchema,
    customers: z.int(),
    ...sumsShape,
    unbilled: z.array(unbilledSumSchema).openapi({
      description:
        'What is used now and on no card at all, by reason: customers who are not mapped or excluded, and services that are not mapped. Empty for one account',
    }),
  })
  .openapi('MonthEnd', { description: 'Every card with a difference is in exactly one of the four parts' });

export const monthEndCustomerSchema = z
  .object({
    psaConnectionId: z.uuid(),
    psaAccountId: z.string(),
    psaAccountName: z.string(),
    psaAccountApart: apartSchema,
    ...sumsShape,
  })
  .openapi('MonthEndCustomer');

export const unbilledSchema = z
  .object({
    id: z.string().openapi({ description: "The vendor's id of the customer or service" }),
    why: z.enum(unbilledReasons),
    integrationId: z.uuid(),
    psaConnectionId: z.uuid(),
    vendor: z.string(),
    name: z.string(),
    customers: z.int().openapi({ description: 'Of a service: how many mapped customers use it; else 1' }),
    seats: z.number(),
    words: z.string(),
  })
  .openapi('UnbilledUsage');

export const unbilledView = (row: UnbilledUsage) => ({ ...row, words: describeUnbilled(row.why, row.customers) });

export const monthEndLineSchema = z
  .object({
    id: z.string(),
    part: z.enum(sheetParts),
    sum: z.enum(sheetSums).openapi({ description: 'The sum in which its money stands' }),
    psaConnectionId: z.uuid(),
    psaAccountId: z.string(),
    psaAccountName: z.string(),
    cardId: z.uuid(),
    psaProductId: z.string(),
    productId: z.string().nullable(),
    productName: z.string().nullable(),
    agreementName: z.string().nullable(),
    lineId: z.string().nullable(),
    from: z.number().nullable().openapi({ description: 'What was, or is, billed' }),
    to: z.number().nullable().openapi({ description: 'What was approved or asked for, or should be billed' }),
    amount: z.number().nullable().openapi({ description: 'The change of the next invoice; null = not known' }),
    currency: z.string().nullable(),
    notBilled: z.boolean(),
    noLine: z.boolean().openapi({ description: 'Used, and no line bills it' }),
    outcome: z.enum(sheetOutcomes).nullable().openapi({ description: 'Of an approved line' }),
    reason: z.string().nullable().openapi({ description: 'Why the card is in another part, as a code' }),
    words: z.string(),
    by: z.string().nullable(),
    byName: z.string().nullable(),
    at: isoDateOrNull,
    settledAt: isoDateOrNull,
    approvalId: z.uuid().nullable(),
    undoOf: z.uuid().nullable(),
    earlier: z.boolean().openapi({ description: 'Approved before the period, and not settled yet' }),
    differsBy: z.number().nullable().openapi({ description: 'By how much an approved card differs again, or still' }),
  })
  .openapi('MonthEndLine');

type LineView = z.input<typeof monthEndLineSchema>;

/** Reads the names of those who decided. @returns a function that shows a line */
export async function createLineViewer(db: Queryable, lines: readonly SheetLine[]) {
  const names = await namesOfActors(
    db,
    lines.flatMap(({ by }) => (by === null ? [] : [by])),
  );
  return (line: SheetLine): LineView => ({
    ...line,
    psaAccountName: line.name,
    sum: sumOf(line.part, line.state, line.cancelled),
    outcome: line.state && outcomeOf(line.state, line.undone),
    words: wordsOf(line),
    byName: line.by === null ? null : (names.get(line.by) ?? line.by),
    at: dateOf(line.at),
    settledAt: dateOf(line.settledAt),
  });
}

const dateOf = (at: string | null) => (at === null ? null : new Date(at));

function wordsOf({ state, undone, earlier, skipped, part, words, noLine }: SheetLine): string {
  if (state) return describeOutcome(outcomeOf(state, undone), words, earlier);
  if (skipped) return describeSkipped(skippedOf(skipped));
  return part === 'dismissed' ? describeDismissal(words) : describeUntouched(words, noLine);
}

const exampleMoney = {
  currency: 'USD',
  billed: 7.5,
  open: 0,
  notWritten: 0,
  skipped: 0,
  dismissed: 0,
  untouched: 12,
  total: 19.5,
};
const exampleSums = {
  lines: 2,
  cards: {
    approved: 1,
    billed: 1,
    open: 0,
    openEarlier: 0,
    notWritten: 0,
    skipped: 0,
    dismissed: 0,
    untouched: 1,
    differAgain: 0,
    unpriced: 0,
    unpricedIn: { billed: 0, open: 0, notWritten: 0, skipped: 0, dismissed: 0, untouched: 0 },
  },
  withoutLine: { cards: 0, seats: 0 },
  money: [exampleMoney],
};
export const exampleMonthEnd = {
  period: { from: '2026-11-01', to: '2026-11-30', timeZone: 'America/New_York' },
  customers: 1,
  ...exampleSums,
  unbilled: [{ why: 'unmapped' as const, count: 1, seats: 30 }],
};
export const exampleUnbilled = {
  id: '1017',
  why: 'unmapped' as const,
  integrationId: exampleIds.integration,
  psaConnectionId: exampleIds.psaConnection,
  vendor: 'mailprotector',
  name: 'Harbor Law',
  customers: 1,
  seats: 30,
  words: describeUnbilled('unmapped', 1),
};
const exampleAccount = {
  psaConnectionId: exampleIds.psaConnection,
  psaAccountId: '250',
  psaAccountName: 'Acme Dental',
};
export const exampleCustomer = { ...exampleAccount, psaAccountApart: null, ...exampleSums };
export const exampleLine = {
  ...exampleAccount,
  id: exampleIds.line,
  part: 'approved' as const,
  sum: 'billed' as const,
  cardId: exampleIds.card,
  psaProductId: '77',
  productId: 'MP-CLOUDFILTER',
  productName: 'CloudFilter',
  agreementName: 'Managed email',
  lineId: '9001',
  from: 40,
  to: 43,
  amount: 7.5,
  currency: 'USD',
  notBilled: false,
  noLine: false,
  outcome: 'written' as const,
  reason: null,
  words: 'Written to the PSA.',
  by: `person:${exampleIds.line}`,
  byName: 'Ada Lovelace',
  at: '2026-11-28T09:05:00.000Z',
  settledAt: '2026-11-28T09:05:04.000Z',
  approvalId: exampleIds.approval,
  undoOf: null,
  earlier: false,
  differsBy: null,
};

/** A line of the file: of a card, or of usage that is on none. */
const rowSchema = z.object({
  customer: z.string(),
  customerId: z.string(),
  part: z.enum([...sheetParts, ...unbilledReasons]),
  sum: z.enum([...sheetSums, 'notBilled']),
  line: z.union([monthEndLineSchema, z.null()]),
  product: z.string().nullable(),
  seats: z.number().nullable(),
  words: z.string(),
});
type Row = z.input<typeof rowSchema>;

export function rowOfLine(line: LineView): Row {
  const { psaAccountName: customer, psaAccountId: customerId, part, sum, to: seats, words } = line;
  return { customer, customerId, part, sum, line, product: line.productId ?? line.psaProductId, seats, words };
}

/** Of a service that is not mapped the customers are its own: the row names the service. */
export function rowOfUnbilled(row: UnbilledUsage): Row {
  const { why, id, name, seats } = row;
  const isService = why === 'unmapped_service';
  const { words } = unbilledView(row);
  const [customer, customerId, product] = isService ? ['', '', name] : [name, id, null];
  return { customer, customerId, part: why, sum: 'notBilled', line: null, product, seats, words };
}

export const exampleRow = {
  customer: exampleLine.psaAccountName,
  customerId: exampleLine.psaAccountId,
  part: exampleLine.part,
  sum: exampleLine.sum,
  line: exampleLine,
  product: exampleLine.productId,
  seats: exampleLine.to,
  words: exampleLine.words,
};
export const exampleCustomerRow = {
  customer: exampleCustomer.psaAccountName,
  customerId: exampleCustomer.psaAccountId,
  cards: exampleCustomer.cards,
  money: exampleMoney,
};

export const lineSheet: Sheet<typeof rowSchema> = {
  item: rowSchema,
  columns: [
    ['customer', ({ customer }) => customer],
    ['customer id', ({ customerId }) => customerId],
    ['part', ({ part }) => part],
    ['sum', ({ sum }) => sum],
    ['product', ({ product }) => product],
    ['product name', ({ line }) => line?.productName ?? null],
    ['agreement', ({ line }) => line?.agreementName ?? null],
    ['line', ({ line }) => line?.lineId ?? null],
    ['old', ({ line }) => line?.from ?? null],
    ['new', ({ seats }) => seats],
    ['amount', ({ line }) => line?.amount ?? null],
    ['currency', ({ line }) => line?.currency ?? null],
    ['billed', ({ line }) => (line === null || line.notBilled || line.noLine ? 'no' : 'yes')],
    ['outcome', ({ line, part }) => (line === null ? part : (line.outcome ?? line.reason))],
    ['in words', ({ words }) => words],
    ['by', ({ line }) => line?.byName ?? null],
    ['at', ({ line }) => line?.at ?? null],
    ['settled at', ({ line }) => line?.settledAt ?? null],
    ['approval', ({ line }) => line?.approvalId ?? null],
    ['undo of', ({ line }) => line?.undoOf ?? null],
    ['differs again by', ({ line }) => line?.differsBy ?? null],
  ],
};

export const unbilledSheet: Sheet<typeof unbilledSchema> = {
  item: unbilledSchema,
  columns: [
    ['customer or service', ({ name }) => name],
    ['id', ({ id }) => id],
    ['vendor', ({ vendor }) => vendor],
    ['integration', ({ integrationId }) => integrationId],
    ['why', ({ why }) => why],
    ['customers', ({ customers }) => customers],
    ['seats', ({ seats }) => seats],
    ['in words', ({ words }) => words],
  ],
};

/** A line of the customers' file: one for each currency, so that each column can be added up by currency. */
const customerRowSchema = z.object({
  customer: z.string(),
  customerId: z.string(),
  cards: cardsSchema,
  money: z.union([moneySchema, z.null()]),
});

/** @returns a row for each of its currencies; where no price is known one without money */
export function rowsOfCustomer({
  psaAccountName,
  psaAccountId,
  cards,
  money,
}: z.input<typeof monthEndCustomerSchema>): z.input<typeof customerRowSchema>[] {
  const row = { customer: psaAccountName, customerId: psaAccountId, cards };
  return money.length === 0 ? [{ ...row, money: null }] : money.map((each) => ({ ...row, money: each }));
}

export const customerSheet: Sheet<typeof customerRowSchema> = {
  item: customerRowSchema,
  columns: [
    ['customer', ({ customer }) => customer],
    ['customer id', ({ customerId }) => customerId],
    ['currency', ({ money }) => money?.currency ?? null],
    ['approved and billed', ({ money }) => money?.billed ?? null],
    ['approved and not done yet', ({ money }) => money?.open ?? null],
    ['approved and came to nothing', ({ money }) => money?.notWritten ?? null],
    ['left out', ({ money }) => money?.skipped ?? null],
    ['dismissed', ({ money }) => money?.dismissed ?? null],
    ['undecided', ({ money }) => money?.untouched ?? null],
    ['all', ({ money }) => money?.total ?? null],
    ['cards', ({ cards }) => cards.approved + cards.skipped + cards.dismissed + cards.untouched],
    ['cards without a price', ({ cards }) => cards.unpriced],
  ],
};
