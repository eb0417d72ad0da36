/** What a card says about its lines, in words a biller understands. */
import { dayBefore } from './period.ts';
import type { ReadLine } from './lines.ts';
import type { CardFlag, LeftOutLine, LineInput, ReconcileInput } from './types.ts';

/** Why a line does not count, as it follows "because" or a colon. */
export function describeLeftOutLine(read: ReadLine, reason: LeftOutLine['reason'], today: string): string {
  const { line, agreement, period } = read;
  const itsAgreement = `its agreement "${agreement.name}"`;
  const end = agreement.endDate;
  switch (reason) {
    case 'account_inactive':
      return 'the company is not active';
    case 'prospect':
      return 'the company is a prospect';
    case 'agreement_inactive':
      return `${itsAgreement} is not active${end ? ` (its end date is ${end})` : ''}`;
    case 'agreement_cancelled':
      return `${itsAgreement} is cancelled${end ? ` (its end date is ${end})` : ''}`;
    case 'agreement_expired':
      return end ? `${itsAgreement} expired on ${end}` : `${itsAgreement} has expired`;
    case 'agreement_ended':
      return `${itsAgreement} ${describeEnd(end ?? '', today)}`;
    case 'never_billed':
      return `${itsAgreement} is never billed (billing cycle None)`;
    case 'line_not_active':
      return 'the line is not active';
    case 'ended':
      return `the line ${describeEnd(line.effectiveTo ?? '', today)}`;
    case 'not_started':
      return `the line begins on ${line.effectiveFrom ?? ''}, after ${describeDay(read)}`;
    case 'succeeded':
      return `the line ends on ${line.effectiveTo ?? ''}, and another line of its agreement follows it before ${period.ends}`;
    case 'credit':
      return `a quantity or price below 0 is a credit or a discount, not seats: ${describeAmount(line, agreement.currency)}`;
  }
}

const describeEnd = (end: string, today: string) =>
  end <= today ? `ended on ${end}` : `ends on ${end}, before the next invoice`;

function describeDay({ period }: ReadLine): string {
  return period.readOn === period.asOf && period.asOfKnown ? `the next invoice date ${period.asOf}` : 'today';
}

const describeAmount = (line: Pick<LineInput, 'quantity' | 'unitPrice'>, currency: string | null) =>
  `${line.quantity} at ${line.unitPrice}${currency ? ` ${currency}` : ''}`;

const describeCredit = ({ quantity, unitPrice, currency, agreementName }: LeftOutLine) =>
  `${describeAmount({ quantity, unitPrice }, currency)} on "${agreementName}"`;

/** What to do in the PSA about usage that no line bills; there may be a line that was left out for a reason. */
export function describeNoLine(input: ReconcileInput, leftOut: readonly LeftOutLine[]): string {
  const line = lastBilled(input, leftOut);
  if (line) {
    return `The PSA has a line for this product that the next invoice does not bill: ${line.words}. Put that right in the PSA rather than adding a second line, then sync.`;
  }
  if (!input.account.active || input.account.prospect) {
    const why = input.account.prospect ? 'the company is a prospect' : 'the company is not active';
    return `Nothing is billed, because ${why}. Put that right in the PSA and add this product to an agreement, then sync.`;
  }
  return 'The PSA has no active line for this product: add it to an agreement in the PSA, then sync.';
}

/** The left-out line that tells most: the one that ends last, by its own end or its agreement's. */
function lastBilled(input: ReconcileInput, leftOut: readonly LeftOutLine[]): LeftOutLine | undefined {
  const never = '9999-12-31';
  const endOf = (line: LeftOutLine) => {
    const agreementEnd = input.agreements.find(({ id }) => id === line.agreementId)?.endDate ?? never;
    const lineEnd = line.effectiveTo ?? never;
    return lineEnd < agreementEnd ? lineEnd : agreementEnd;
  };
  return [...leftOut].sort((a, b) => (`${endOf(b)} ${b.lineId}` < `${endOf(a)} ${a.lineId}` ? -1 : 1))[0];
}

/** The text for a product for which the PSA only gives money back; a person has to find out what for. */
export function describeOnlyCredits(input: ReconcileInput, leftOut: readonly LeftOutLine[]): string {
  const credits = leftOut.filter((line) => line.reason === 'credit').map(describeCredit);
  const other = lastBilled(
    input,
    leftOut.filter((line) => line.reason !== 'credit'),
  );
  const beside = other ? ` There is another line that the next invoice does not bill: ${other.words}.` : '';
  return `The PSA has only credits for this product (${credits.join(', ')}) and no line that bills seats.${beside} Look in the PSA what they are for, before you add or change a line there.`;
}

/** What a person has to check about a product's lines; a card with such a doubt may not be approved in bulk. */
export function lineDoubts(lines: readonly ReadLine[], leftOut: readonly LeftOutLine[]): CardFlag[] {
  const doubts: CardFlag[] = [];
  const doubt = (reason: string, words: string) => {
    // Two lines of one agreement may raise the same doubt; it is listed once.
    if (!doubts.some((flag) => flag.words === words)) doubts.push({ code: 'check_first', reason, words });
  };
  const isCounted = lines.some((read) => !read.leftOut);
  for (const read of lines) {
    const { line, agreement, period } = read;
    const name = `"${agreement.name}"`;
    if (isReadLate(read)) {
      doubt(
        'next_invoice_passed',
        `The next invoice date of ${name}, ${period.asOf}, has passed, so its lines were read as of today, ${period.readOn}. Invoice it in the PSA, or put the date right there, then sync.`,
      );
    }
    if (!isCounted) continue;
    if (isUnsure(read)) {
      const why = period.cycleKnown
        ? `${name} has no next invoice date, so it is not known which period is billed next`
        : `Countersign does not know how long the billing cycle of ${name}${agreement.billingCycle ? ` (${agreement.billingCycle})` : ''} is, and assumes a month`;
      doubt('period_unknown', `${why}; a line of it begins or ends soon.`);
    }
    if (read.leftOut === 'not_started' && read.begins) {
      doubt(
        'begins_in_period',
        `A line of ${line.quantity} on ${name} begins on ${line.effectiveFrom ?? ''}, within the period that is billed next; it is not in the sum.`,
      );
    }
    if (!read.leftOut) for (const { reason, words } of endDoubts(read)) doubt(reason, words);
  }
  const credits = leftOut.filter((line) => line.reason === 'credit');
  if (isCounted && credits.length > 0) {
    doubt(
      'credit',
      `The PSA also has ${credits.map(describeCredit).join(', ')}: a quantity or price below 0 is a credit or a discount, not seats. It is not in the sum and stays as it is.`,
    );
  }
  return doubts;
}

/** Whether the agreement's D has passed, and the line is billed now or was billed at D. */
function isReadLate({ line, period, leftOut }: ReadLine): boolean {
  if (period.readOn === period.asOf) return false;
  if (leftOut === 'ended') return line.effectiveTo !== null && line.effectiveTo > period.asOf;
  return leftOut === undefined || leftOut === 'succeeded' || leftOut === 'credit';
}

/** Whether the line might count differently if the assumed period is wrong. */
function isUnsure({ line, period, leftOut, begins }: ReadLine): boolean {
  const { readOn, unsureUntil } = period;
  if (unsureUntil === null) return false;
  const mayCount =
    leftOut === undefined ||
    leftOut === 'succeeded' ||
    leftOut === 'credit' ||
    (leftOut === 'not_started' && (begins || mayBegin(line)));
  return (
    mayCount && [line.effectiveFrom, line.effectiveTo].some((day) => day !== null && day > readOn && day < unsureUntil)
  );
}

const mayBegin = ({ status, effectiveFrom: from, effectiveTo: to }: LineInput) =>
  status === 'active' && (from === null || to === null || from < to);

/** What is odd about the end of a line that counts, or about the end of the line it follows. */
function endDoubts({ line, agreement, period, begins, succeeds }: ReadLine): { reason: string; words: string }[] {
  const name = `"${agreement.name}"`;
  const doubts: { reason: string; words: string }[] = [];
  if (line.effectiveTo !== null && line.effectiveTo < period.ends) {
    doubts.push({
      reason: 'ends_in_period',
      words: `The line of ${line.quantity} on ${name} ends on ${line.effectiveTo}, before the period that is billed next is over, and no line of its agreement follows it.`,
    });
  }
  if (agreement.endDate !== null && agreement.endDate < dayBefore(period.ends)) {
    doubts.push({
      reason: 'ends_in_period',
      words: `${name} ends on ${agreement.endDate}, before the period that is billed next is over.`,
    });
  }
  if (!begins) return doubts;
  const from = line.effectiveFrom ?? '';
  const ends = succeeds.map((other) => other.effectiveTo ?? '').sort();
  const last = ends.at(-1) ?? '';
  const follower = `The line of ${line.quantity} on ${name} begins on ${from}`;
  if (last < from)
    doubts.push({ reason: 'successor_gap', words: `${follower}, days after the one before it ends, on ${last}.` });
  if (last > from)
    doubts.push({
      reason: 'successor_overlap',
      words: `${follower}, before the one that it follows ends, on ${last}.`,
    });
  return doubts;
}
