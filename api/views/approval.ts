/** An approval as the API shows it, with its lines and the cards that it left out. */
import { z } from '@hono/zod-openapi';
import { namesOfActors } from '../../commands/seen.ts';
import { countOfMany, type ApprovalBatchRow, type listApprovalLines } from '../../db/queries/approvals.ts';
import { namesOfCards } from '../../db/queries/cardList.ts';
import { listStepsOfMany } from '../../db/queries/processView.ts';
import { skipReasons } from '../../domain/approval.ts';
import { approvalProcess } from '../../domain/process/ids.ts';
import { approvalLineStates } from '../../domain/transitions.ts';
import type { ApiDependencies } from '../context.ts';
import { exampleIds, isoDate, isoDateOrNull } from '../define.ts';
import type { Sheet } from '../sheet.ts';
import { exampleProcess, processSchema, processView } from './process.ts';

/** As its card has them; null when the card is gone. */
const cardNames = { psaAccountName: z.string().nullable(), productId: z.string().nullable() };
const exampleNames = { psaAccountName: 'Acme Dental', productId: 'MP-CLOUDFILTER' };

export const approvalLineSchema = z
  .object({
    id: z.uuid(),
    cardId: z.uuid(),
    psaAccountId: z.string(),
    psaProductId: z.string(),
    ...cardNames,
    agreementId: z.string(),
    lineId: z.string(),
    from: z.number(),
    to: z.number(),
    /** The agreement's next invoice date, as it was shown. */
    effectiveDate: z.string().nullable(),
    state: z.enum(approvalLineStates),
    problem: z.object({ code: z.string(), detail: z.string() }).nullable(),
    settledAt: isoDateOrNull,
    /** The approval that signed its card or line off again. */
    replacedBy: z.uuid().nullable(),
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
  settledAt: null,
  replacedBy: null,
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
  const names = await namesOfActors(
    deps.db,
    batches.map(({ requestedBy }) => requestedBy),
  );
  return batches.map((batch) => {
    const ref = approvalProcess(batch);
    const steps = stepsOf(ref);
    const { lines, skipped } = countsOf(batch.id);
    const counts = { ...noLines, ...lines };
    return {
      ...batch,
      note: noteOf(counts.todo, steps.length > 0),
      requestedByName: names.get(batch.requestedBy) ?? batch.requestedBy,
      lines: Object.values(counts).reduce((sum, count) => sum + count, 0),
      counts,
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

/** Shows rows about cards under the names of their account and product. */
export async function withNames<T extends { cardId: string }>({ db }: ApiDependencies, rows: readonly T[]) {
  const names = await namesOfCards(
    db,
    rows.map(({ cardId }) => cardId),
  );
  return rows.map((row) => ({ psaAccountName: null, productId: null, ...names.get(row.cardId), ...row }));
}

export function approvalLineView(row: Awaited<ReturnType<typeof listApprovalLines>>[number]) {
  return { ...row, effectiveDate: row.nextInvoiceDate };
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
    ['skipped', ({ skipped }) => skipped.reduce((sum, { cards }) => sum + cards, 0)],
    ['undo of', ({ undoOf }) => undoOf],
    ['closed at', ({ closedAt }) => closedAt],
    ['note', ({ note }) => note],
  ],
};
type Shown = z.output<typeof approvalSchema>;

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
    ['state', ({ state }) => state],
    ['why', ({ problem }) => problem?.detail ?? null],
    ['settled at', ({ settledAt }) => settledAt],
  ],
};

/** @param stopped whether writing was on when the approval was signed off */
function noteOf(todos: number, stopped: boolean): string | null {
  if (todos === 0) return null;
  const why = stopped
    ? `Writing to this PSA was turned off before ${todos} of these changes were written.`
    : 'Writing to this PSA is off.';
  return `${why} Make them in the PSA, and the next read verifies them; or sign their cards off again once writing is on, which replaces them.`;
}
