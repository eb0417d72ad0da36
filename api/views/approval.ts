/** An approval as the API shows it, with its lines and the cards that it left out. */
import { z } from '@hono/zod-openapi';
import { undoVersion } from '../../commands/approval.ts';
import { namesOfActors } from '../../commands/seen.ts';
import { sumOfMany, undosOfLines } from '../../db/queries/approvalMoney.ts';
import { countOfMany, type ApprovalBatchRow, type listApprovalLines } from '../../db/queries/approvals.ts';
import { namesOfCards } from '../../db/queries/cardList.ts';
import { listStepsOfMany } from '../../db/queries/processView.ts';
import type { Undo } from '../../db/queries/signOff.ts';
import { describeLeftAlone, skipReasons } from '../../domain/approval.ts';
import { approvalProcess } from '../../domain/process/ids.ts';
import { approvalLineStates } from '../../domain/transitions.ts';
import type { ApiDependencies } from '../context.ts';
import { exampleIds, exampleVersion, isoDate, isoDateOrNull, pageOf } from '../define.ts';
import type { Sheet } from '../sheet.ts';
import { exampleProcess, processSchema, processView } from './process.ts';

/** As its card has them; null when the card is gone. */
const cardNames = { psaAccountName: z.string().nullable(), productId: z.string().nullable() };
const exampleNames = { psaAccountName: 'Acme Dental', productId: 'MP-CLOUDFILTER' };

const lineMoneySchema = z
  .object({ currency: z.string().nullable(), amount: z.number().nullable(), notBilled: z.boolean() })
  .openapi({
    description: 'How the next invoice changes by it, as it was approved; the amount is null when not known',
  });

/** The card and the PSA's line that an approved line, or an undo of it, is about. */
const lineNames = {
  cardId: z.uuid(),
  psaAccountId: z.string(),
  psaProductId: z.string(),
  ...cardNames,
  agreementId: z.string(),
  lineId: z.string(),
};

export const approvalLineSchema = z
  .object({
    id: z.uuid(),
    ...lineNames,
    from: z.number(),
    to: z.number(),
    /** The agreement's next invoice date, as it was shown. */
    effectiveDate: z.string().nullable(),
    state: z.enum(approvalLineStates),
    problem: z.object({ code: z.string(), detail: z.string() }).nullable(),
    money: lineMoneySchema,
    settledAt: isoDateOrNull,
    /** The approval that signed its card or line off again. */
    replacedBy: z.uuid().nullable(),
    /** The approval that wrote the old quantity back. */
    undoneBy: z.uuid().nullable(),
  })
  .openapi('ApprovalLine');

export const approvalSchema = z
  .object({
    id: z.uuid(),
    psaConnectionId: z.uuid(),
    state: z.enum(['requested', 'todo', 'closed']),
    /** A sentence about the to-dos; null when there are none. */
    note: z.string().nullable(),
    previewId: z.uuid().nullable(),
    undoOf: z.uuid().nullable(),
    /** An actor of the audit. */
    requestedBy: z.string(),
    requestedByName: z.string(),
    createdAt: isoDate,
    closedAt: isoDateOrNull,
    /** How many lines there are, and how many in each state; the lines themselves have a list of their own. */
    lines: z.int(),
    counts: z.object(Object.fromEntries(approvalLineStates.map((state) => [state, z.int()])) as Counts),
    undone: z.int().openapi({ description: 'How many of the applied lines a later approval has undone' }),
    money: z
      .array(
        z.object({
          currency: z.string().nullable(),
          written: z.number().openapi({
            description:
              'What this approval wrote itself, undone or not. An undo is an approval of its own: all of them add up to what the PSA holds',
          }),
          billed: z.number().openapi({ description: 'The PSA holds it, and it was not undone' }),
          open: z.number().openapi({ description: 'Not settled yet: under way, uncertain, or a to-do' }),
          notWritten: z.number().openapi({ description: 'It came to nothing: conflict, refused, withdrawn, replaced' }),
          undone: z.number(),
        }),
      )
      .openapi({ description: 'How the next invoices change; different currencies are never added up' }),
    /** How many of the cards that were asked for were left out, by reason; they have a list of their own, too. */
    skipped: z.array(z.object({ reason: z.enum(skipReasons), cards: z.int() })),
    // A union, because in the contract `nullable()` of a named schema does not accept null.
    process: z.union([processSchema, z.null()]),
  })
  .openapi('Approval');

type Counts = Record<(typeof approvalLineStates)[number], z.ZodInt>;

export const skippedCardSchema = z
  .object({
    cardId: z.uuid(),
    ...cardNames,
    reason: z.enum(skipReasons),
    words: z.string(),
    asked: z.object({ lineId: z.string(), from: z.number(), to: z.number(), effectiveDate: z.string().nullable() }),
    now: z
      .object({
        lineId: z.string().nullable(),
        from: z.number().nullable(),
        to: z.number().nullable(),
        effectiveDate: z.string().nullable(),
      })
      .nullable(),
  })
  .openapi('SkippedCard');

export const exampleApprovalLine = {
  id: exampleIds.line,
  cardId: exampleIds.card,
  psaAccountId: '250',
  psaProductId: '77',
  ...exampleNames,
  agreementId: '31',
  lineId: '9001',
  from: 40,
  to: 43,
  effectiveDate: '2026-12-01',
  state: 'intended' as const,
  problem: null,
  money: { currency: 'USD', amount: 7.5, notBilled: false },
  settledAt: null,
  replacedBy: null,
  undoneBy: null,
};

const noLines = Object.fromEntries(approvalLineStates.map((state) => [state, 0])) as Record<
  (typeof approvalLineStates)[number],
  number
>;

export const exampleApproval = {
  id: exampleIds.approval,
  psaConnectionId: exampleIds.psaConnection,
  state: 'requested' as const,
  note: null,
  previewId: null,
  undoOf: null,
  requestedBy: `person:${exampleIds.line}`,
  requestedByName: 'Ada Lovelace',
  createdAt: '2026-11-23T09:05:00.000Z',
  closedAt: null,
  lines: 1,
  counts: { ...noLines, intended: 1 },
  undone: 0,
  money: [{ currency: 'USD', written: 0, billed: 0, open: 7.5, notWritten: 0, undone: 0 }],
  skipped: [{ reason: 'differs' as const, cards: 1 }],
  process: exampleProcess('approveUsage', exampleIds.approval, 'write', 'settle'),
};

export const exampleSkippedCard = {
  cardId: exampleIds.run,
  ...exampleNames,
  reason: 'differs' as const,
  words: 'It was shown as line 9002 from 12 to 14, and is line 9002 from 12 to 15 now. Look at the card again.',
  asked: { lineId: '9002', from: 12, to: 14, effectiveDate: '2026-12-01' },
  now: { lineId: '9002', from: 12, to: 15, effectiveDate: '2026-12-01' },
};

/** Shows approvals, however many there are, with one statement for each kind of row that they consist of. */
export async function approvalViews(deps: ApiDependencies, batches: readonly ApprovalBatchRow[]) {
  const ids = batches.map(({ id }) => id);
  const stepsOf = await listStepsOfMany(deps.db, ['approveUsage'], ids);
  const countsOf = await countOfMany(deps.db, ids);
  const sumsOf = await sumOfMany(deps.db, ids);
  const names = await namesOfActors(
    deps.db,
    batches.map(({ requestedBy }) => requestedBy),
  );
  return batches.map((batch) => {
    const ref = approvalProcess(batch);
    const steps = stepsOf(ref);
    const { lines, zeros, skipped } = countsOf(batch.id);
    const counts = { ...noLines, ...lines };
    return {
      ...batch,
      note: noteOf(counts.todo, zeros, steps.length > 0),
      requestedByName: names.get(batch.requestedBy) ?? batch.requestedBy,
      lines: Object.values(counts).reduce((sum, count) => sum + count, 0),
      counts,
      ...sumsOf(batch.id),
      skipped,
      process: steps.length > 0 ? processView(deps, ref, steps) : null,
    };
  });
}

export async function approvalView(deps: ApiDependencies, batch: ApprovalBatchRow) {
  const [view] = await approvalViews(deps, [batch]);
  if (!view) throw new Error('The approval has no view.');
  return view;
}

export const undoLineSchema = z
  .object({
    ...lineNames,
    from: z.number().openapi({ description: 'What the approval wrote' }),
    to: z.number().openapi({ description: 'What was billed before' }),
    effectiveDate: z.string().nullable(),
    money: lineMoneySchema,
    reason: z.enum(skipReasons).nullable().openapi({ description: 'Why it cannot be undone; null = it can' }),
    words: z.string().nullable(),
  })
  .openapi('UndoLine');

export const undoSchema = z
  .object({
    writesEnabled: z.boolean().openapi({ description: 'false = undoing makes a to-do list' }),
    lines: z.int().openapi({ description: 'How many lines would be written back' }),
    version: z.string().openapi({
      description:
        'Of these lines: it changes when another one, or one less, would be written back, and with writing on and off. An undo takes it as `seen`',
    }),
    money: z.array(lineMoneySchema.extend({ lines: z.int() })),
    leftOut: z.array(z.object({ reason: z.enum(skipReasons), words: z.string(), lines: z.int() })),
    items: z.array(undoLineSchema),
    nextCursor: z.string().nullable(),
  })
  .openapi('ApprovalUndo');

const exampleUndoLine = {
  cardId: exampleIds.card,
  psaAccountId: '250',
  psaProductId: '77',
  ...exampleNames,
  agreementId: '31',
  lineId: '9001',
  from: 43,
  to: 40,
  effectiveDate: '2026-12-01',
  money: { currency: 'USD', amount: -7.5, notBilled: false },
  reason: null,
  words: null,
};
export const exampleUndo = {
  writesEnabled: true,
  lines: 1,
  version: exampleVersion,
  money: [{ currency: 'USD', amount: -7.5, notBilled: false, lines: 1 }],
  leftOut: [{ reason: 'billed' as const, words: describeLeftAlone('billed'), lines: 1 }],
  items: [
    exampleUndoLine,
    {
      ...exampleUndoLine,
      cardId: exampleIds.run,
      lineId: '9002',
      reason: 'billed' as const,
      words: describeLeftAlone('billed'),
    },
  ],
  nextCursor: null,
};

/** @param undo what undoing would write, with one line more than the page has */
export async function undoView(deps: ApiDependencies, undo: Undo, limit: number, writesEnabled: boolean) {
  const page = pageOf(undo.page, limit, ({ reason, position }) =>
    JSON.stringify({ isLeftOut: reason !== null, position }),
  );
  const lines = page.items.map((line) => ({
    ...line,
    words: line.reason === null ? null : describeLeftAlone(line.reason, { ...line, now: line.nowFrom }),
  }));
  return {
    writesEnabled,
    lines: undo.lines,
    version: undoVersion(undo, writesEnabled),
    money: undo.money,
    leftOut: undo.leftOut.map((each) => ({ ...each, words: describeLeftAlone(each.reason) })),
    items: await withNames(deps, lines),
    nextCursor: page.nextCursor,
  };
}

/** Shows rows about cards under the names of their account and product. */
export async function withNames<T extends { cardId: string }>({ db }: ApiDependencies, rows: readonly T[]) {
  const names = await namesOfCards(
    db,
    rows.map(({ cardId }) => cardId),
  );
  return rows.map((row) => ({ psaAccountName: null, productId: null, ...names.get(row.cardId), ...row }));
}

type LineRow = Awaited<ReturnType<typeof listApprovalLines>>[number];

/** Shows lines under the names of their account and product, each with its money and with what became of it later. */
export async function approvalLineViews(deps: ApiDependencies, rows: readonly LineRow[]) {
  const undos = await undosOfLines(
    deps.db,
    rows.map(({ id }) => id),
  );
  const lines = rows.map(({ amount, currency, notBilled, ...row }) => ({
    ...row,
    effectiveDate: row.nextInvoiceDate,
    money: { amount, currency, notBilled },
    undoneBy: undos.get(row.id) ?? null,
  }));
  return withNames(deps, lines);
}

export const approvalSheet: Sheet<typeof approvalSchema> = {
  item: approvalSchema,
  columns: [
    ['approval', ({ id }) => id],
    ['at', ({ createdAt }) => createdAt],
    ['by', ({ requestedByName }) => requestedByName],
    ['state', ({ state }) => state],
    ['lines', ({ lines }) => lines],
    ...approvalLineStates.map((state) => [state, ({ counts }: Shown) => counts[state]] as const),
    ['undone', ({ undone }) => undone],
    // Each approval with what it wrote itself: an undo is a row of its own, so that the sum is that of the month end.
    ['currency', ({ money }) => money.map(({ currency }) => currency ?? '').join('; ')],
    ['written amount', ({ money }) => inOneCell(money.map(({ written }) => written))],
    ['open amount', ({ money }) => inOneCell(money.map(({ open }) => open))],
    ['skipped', ({ skipped }) => skipped.reduce((sum, { cards }) => sum + cards, 0)],
    ['undo of', ({ undoOf }) => undoOf],
    ['closed at', ({ closedAt }) => closedAt],
    ['note', ({ note }) => note],
  ],
};
type Shown = z.output<typeof approvalSchema>;

/** A number, which a spreadsheet adds up; of several currencies the numbers in their order. */
const inOneCell = (amounts: readonly number[]) => (amounts.length > 1 ? amounts.join('; ') : (amounts[0] ?? null));

export const approvalLineSheet: Sheet<typeof approvalLineSchema> = {
  item: approvalLineSchema,
  columns: [
    ['line of the approval', ({ id }) => id],
    ['card', ({ cardId }) => cardId],
    ['account', ({ psaAccountName }) => psaAccountName],
    ['account id', ({ psaAccountId }) => psaAccountId],
    ['product', ({ productId }) => productId],
    ['agreement', ({ agreementId }) => agreementId],
    ['line', ({ lineId }) => lineId],
    ['from', ({ from }) => from],
    ['to', ({ to }) => to],
    ['effective date', ({ effectiveDate }) => effectiveDate],
    ['amount', ({ money }) => money.amount],
    ['currency', ({ money }) => money.currency],
    ['billed', ({ money }) => (money.notBilled ? 'no' : 'yes')],
    ['state', ({ state }) => state],
    ['why', ({ problem }) => problem?.detail ?? null],
    ['settled at', ({ settledAt }) => settledAt],
    ['undone by', ({ undoneBy }) => undoneBy],
  ],
};

/**
 * @param zeros of the to-dos, those that are left to a person because they go to 0
 * @param stopped whether writing was on when the approval was signed off
 */
function noteOf(todos: number, zeros: number, stopped: boolean): string | null {
  if (todos === 0) return null;
  const others = todos - zeros;
  const ofZeros = `${zeros} of these changes ${zeros === 1 ? 'goes' : 'go'} to 0 and ${zeros === 1 ? 'is' : 'are'} left to a person, as the settings of the PSA connection say: end the line in the PSA, or set it to 0 there.`;
  const ofOthers = stopped
    ? `Writing to this PSA was turned off before ${others} of these changes were written. Make them in the PSA.`
    : `Writing to this PSA was off when this was approved. Make the changes in the PSA.`;
  return [
    ...(zeros > 0 ? [ofZeros] : []),
    ...(others > 0 ? [ofOthers] : []),
    'The next read verifies them.',
    ...(others > 0
      ? [
          'Turning writing on writes none of them, because nobody has looked at what is used and billed at that moment: approve their cards again then, which replaces these to-dos.',
        ]
      : []),
  ].join(' ');
}
