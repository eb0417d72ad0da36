/** The month-end sheet as the API shows it. */
import { z } from '@hono/zod-openapi';
import { skippedOf } from '../../commands/approval.ts';
import { namesOfActors } from '../../commands/seen.ts';
import type { Queryable } from '../../db/client.ts';
import type { SheetLine } from '../../db/queries/monthEnd.ts';
import { describeSkipped } from '../../domain/approval.ts';
import {
  describeDismissal,
  describeOutcome,
  describeUntouched,
  outcomeOf,
  sheetOutcomes,
  sheetParts,
} from '../../domain/monthEnd.ts';
import { exampleIds, isoDateOrNull } from '../define.ts';
import type { Sheet } from '../sheet.ts';

const cardsSchema = z.object({
  approved: z.int(),
  skipped: z.int(),
  dismissed: z.int(),
  untouched: z.int(),
  differAgain: z.int().openapi({ description: 'Of the approved ones: those that differ again, or still, now' }),
});

const moneySchema = z
  .object({
    currency: z.string().nullable(),
    billed: z.number().openapi({ description: 'Approved, and the PSA holds it: net of what was undone' }),
    open: z.number().openapi({ description: 'Approved, and not settled yet: under way, uncertain, or a to-do' }),
    notWritten: z.number().openapi({ description: 'Approved, and it came to nothing: conflict, refused, withdrawn, replaced' }), // prettier-ignore
    skipped: z.number(),
    dismissed: z.number(),
    untouched: z.number(),
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

const sumsShape = { lines: z.int(), cards: cardsSchema, money: z.array(moneySchema) };

export const monthEndSchema = z
  .object({ period: periodSchema, customers: z.int(), ...sumsShape })
  .openapi('MonthEnd', { description: 'Every card with a difference is in exactly one of the four parts' });

export const monthEndCustomerSchema = z
  .object({
    psaConnectionId: z.uuid(),
    psaAccountId: z.string(),
    psaAccountName: z.string(),
    ...sumsShape,
  })
  .openapi('MonthEndCustomer');

export const monthEndLineSchema = z
  .object({
    id: z.string(),
    part: z.enum(sheetParts),
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
    outcome: z.enum(sheetOutcomes).nullable().openapi({ description: 'Of an approved line' }),
    reason: z.string().nullable().openapi({ description: 'Why the card is in another part, as a code' }),
    words: z.string(),
    by: z.string().nullable(),
    byName: z.string().nullable(),
    at: isoDateOrNull,
    settledAt: isoDateOrNull,
    approvalId: z.uuid().nullable(),
    undoOf: z.uuid().nullable(),
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
    outcome: line.state && outcomeOf(line.state, line.undone),
    words: wordsOf(line),
    byName: line.by === null ? null : (names.get(line.by) ?? line.by),
    at: dateOf(line.at),
    settledAt: dateOf(line.settledAt),
  });
}

const dateOf = (at: string | null) => (at === null ? null : new Date(at));

function wordsOf({ state, undone, skipped, part, words }: SheetLine): string {
  if (state) return describeOutcome(outcomeOf(state, undone), words);
  if (skipped) return describeSkipped(skippedOf(skipped));
  return part === 'dismissed' ? describeDismissal(words) : describeUntouched(words);
}

const exampleMoney = {
  currency: 'USD',
  billed: 7.5,
  open: 0,
  notWritten: 0,
  skipped: 0,
  dismissed: 0,
  untouched: 12,
};
const exampleSums = {
  lines: 2,
  cards: { approved: 1, skipped: 0, dismissed: 0, untouched: 1, differAgain: 0 },
  money: [exampleMoney],
};
export const exampleMonthEnd = {
  period: { from: '2026-11-01', to: '2026-11-30', timeZone: 'America/New_York' },
  customers: 1,
  ...exampleSums,
};
const exampleAccount = {
  psaConnectionId: exampleIds.psaConnection,
  psaAccountId: '250',
  psaAccountName: 'Acme Dental',
};
export const exampleCustomer = { ...exampleAccount, ...exampleSums };
export const exampleLine = {
  ...exampleAccount,
  id: exampleIds.line,
  part: 'approved' as const,
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
  outcome: 'written' as const,
  reason: null,
  words: 'Written to the PSA.',
  by: `person:${exampleIds.line}`,
  byName: 'Ada Lovelace',
  at: '2026-11-28T09:05:00.000Z',
  settledAt: '2026-11-28T09:05:04.000Z',
  approvalId: exampleIds.approval,
  undoOf: null,
  differsBy: null,
};

export const lineSheet: Sheet<typeof monthEndLineSchema> = {
  item: monthEndLineSchema,
  columns: [
    ['customer', ({ psaAccountName }) => psaAccountName],
    ['customer id', ({ psaAccountId }) => psaAccountId],
    ['part', ({ part }) => part],
    ['product', ({ productId, psaProductId }) => productId ?? psaProductId],
    ['product name', ({ productName }) => productName],
    ['agreement', ({ agreementName }) => agreementName],
    ['line', ({ lineId }) => lineId],
    ['old', ({ from }) => from],
    ['new', ({ to }) => to],
    ['amount', ({ amount }) => amount],
    ['currency', ({ currency }) => currency],
    ['billed', ({ notBilled }) => (notBilled ? 'no' : 'yes')],
    ['outcome', ({ outcome, reason }) => outcome ?? reason],
    ['in words', ({ words }) => words],
    ['by', ({ byName }) => byName],
    ['at', ({ at }) => at],
    ['settled at', ({ settledAt }) => settledAt],
    ['approval', ({ approvalId }) => approvalId],
    ['undo of', ({ undoOf }) => undoOf],
    ['differs again by', ({ differsBy }) => differsBy],
  ],
};
