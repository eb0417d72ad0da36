/** Decides which of a product's lines count on its card, and why the others do not. */
import { describeLeftOutLine } from './lineDescriptions.ts';
import { periodOf, type Period } from './period.ts';
import type { AgreementInput, CardLine, LeftOutLine, LineInput, ReconcileInput } from './types.ts';

/** A line, with everything that decides whether it counts. */
export interface ReadLine {
  line: LineInput;
  agreement: AgreementInput;
  period: Period;
  /** Why the line does not count; absent when it counts. */
  leftOut?: LeftOutLine['reason'];
  /** The line begins after the day on which lines are read, and before the period ends. */
  begins: boolean;
  /** Lines of the same agreement that this line follows; empty unless `begins`. */
  succeeds: LineInput[];
}

/** A product's lines on this account's agreements, in the order they were given. */
export function readLines(input: ReconcileInput, productId: string): ReadLine[] {
  const mine = input.lines.filter((line) => line.productId === productId);
  return mine.flatMap((line) => {
    const agreement = input.agreements.find((candidate) => candidate.id === line.agreementId);
    if (!agreement) return [];
    const period = periodOf(agreement, input.today);
    const siblings = mine.filter((other) => other.agreementId === line.agreementId && other !== line);
    const begins = beginsWithin(line, period);
    const succeeds = begins ? siblings.filter((other) => follows(line, other, period)) : [];
    const read: ReadLine = { line, agreement, period, begins, succeeds };
    const reason = leftOutReason(input, read, siblings);
    return [{ ...read, ...(reason ? { leftOut: reason } : {}) }];
  });
}

/** A product's lines: those that the next invoice bills, and the others with the reason. */
export function linesOf(input: ReconcileInput, productId: string): { active: CardLine[]; leftOut: LeftOutLine[] } {
  const lines = readLines(input, productId);
  return {
    active: lines.filter((read) => !read.leftOut).map(cardLineOf),
    leftOut: lines.flatMap((read) => (read.leftOut ? [leftOutLineOf(read, read.leftOut, input.today)] : [])),
  };
}

/** Whether a line is a credit or a discount (quantity or price below 0). It bills no seats, so it is never summed or written. */
export function isCredit(line: Pick<LineInput, 'quantity' | 'unitPrice'>): boolean {
  return line.quantity < 0 || line.unitPrice < 0;
}

/** Whether a line begins while the period is under way, and is not cancelled before it begins. */
function beginsWithin(line: LineInput, { readOn, ends }: Period): boolean {
  const { effectiveFrom: from } = line;
  return line.status === 'active' && from !== null && from > readOn && from < ends && isEverInForce(line);
}

function isEverInForce({ effectiveFrom: from, effectiveTo: to }: LineInput): boolean {
  return from === null || to === null || from < to;
}

/**
 * Whether `successor`, which begins within the period, replaces `line`: `line` ends before the period does, and `successor`
 * ends later. Usually one begins on the day the other ends; a gap or an overlap of days makes the card unsure.
 */
function follows(successor: LineInput, line: LineInput, { ends }: Period): boolean {
  const { effectiveTo: end } = line;
  return (
    !isCredit(line) &&
    isEverInForce(line) &&
    end !== null &&
    end < ends &&
    (line.effectiveFrom ?? '') < (successor.effectiveFrom ?? '') &&
    (successor.effectiveTo === null || successor.effectiveTo > end)
  );
}

function leftOutReason(
  input: ReconcileInput,
  { line, agreement, period, begins, succeeds }: ReadLine,
  siblings: readonly LineInput[],
): LeftOutLine['reason'] | undefined {
  if (!input.account.active) return 'account_inactive';
  if (input.account.prospect) return 'prospect';
  if (agreement.status !== 'active') return `agreement_${agreement.status}`;
  if (agreement.neverBilled) return 'never_billed';
  if (agreement.endDate !== null && agreement.endDate < period.readOn) return 'agreement_ended';
  // A line is billed while it begins on D or before, and ends after D: the end is exclusive.
  if (line.effectiveTo !== null && line.effectiveTo <= period.readOn) return 'ended';
  const later = line.effectiveFrom !== null && line.effectiveFrom > period.readOn;
  if (later && !begins) return 'not_started';
  if (line.status !== 'active') return 'line_not_active';
  if (isCredit(line)) return 'credit';
  if (later && succeeds.length === 0) return 'not_started';
  const successor = (other: LineInput) =>
    beginsWithin(other, period) && !isCredit(other) && follows(other, line, period);
  return siblings.some(successor) ? 'succeeded' : undefined;
}

function cardLineOf({ line, agreement, period, succeeds }: ReadLine): CardLine {
  return {
    lineId: line.id,
    agreementId: agreement.id,
    agreementName: agreement.name,
    quantity: line.quantity,
    includedQuantity: line.includedQuantity,
    unitPrice: line.unitPrice,
    currency: agreement.currency,
    billed: line.billing === 'billable',
    monthly: agreement.monthly,
    version: line.version,
    asOf: period.asOf,
    asOfKnown: period.asOfKnown,
    readOn: period.readOn,
    effectiveFrom: line.effectiveFrom,
    effectiveTo: line.effectiveTo,
    notWritable: line.notWritable ?? null,
    succeeds: succeeds.map((other) => ({
      lineId: other.id,
      quantity: other.quantity,
      effectiveTo: other.effectiveTo ?? '',
    })),
  };
}

function leftOutLineOf(read: ReadLine, reason: LeftOutLine['reason'], today: string): LeftOutLine {
  const { line, agreement } = read;
  return {
    lineId: line.id,
    agreementId: agreement.id,
    agreementName: agreement.name,
    quantity: line.quantity,
    unitPrice: line.unitPrice,
    currency: agreement.currency,
    effectiveFrom: line.effectiveFrom,
    effectiveTo: line.effectiveTo,
    reason,
    words: describeLeftOutLine(read, reason, today),
  };
}
