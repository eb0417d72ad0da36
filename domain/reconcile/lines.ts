import { tidy } from '../quantities.ts';
import type {
  AgreementInput,
  CardFlag,
  CardLine,
  LeftOutLine,
  LineInput,
  LineMode,
  LineWrite,
  ReconcileInput,
} from './types.ts';

/** A product's lines on this account's agreements: those the next invoice bills, and the others with the reason. */
export function linesOf(input: ReconcileInput, productId: string): { active: CardLine[]; leftOut: LeftOutLine[] } {
  const active: CardLine[] = [];
  const leftOut: LeftOutLine[] = [];
  for (const line of input.lines) {
    const agreement = input.agreements.find((candidate) => candidate.id === line.agreementId);
    if (line.productId !== productId || !agreement) continue;
    // D: the start of the period the next invoice bills. Unknown: today stands in, and the card says so.
    const asOf = agreement.nextInvoiceDate ?? input.today;
    const reason = leftOutReason(input, agreement, line, asOf);
    if (reason) {
      leftOut.push({ lineId: line.id, agreementId: line.agreementId, quantity: line.quantity, reason });
      continue;
    }
    active.push({
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
      asOf,
      asOfKnown: agreement.nextInvoiceDate !== null,
      effectiveTo: line.effectiveTo,
    });
  }
  return { active, leftOut };
}

function leftOutReason(
  input: ReconcileInput,
  agreement: AgreementInput,
  line: LineInput,
  asOf: string,
): LeftOutLine['reason'] | undefined {
  if (!input.account.active) return 'account_inactive';
  if (input.account.prospect) return 'prospect';
  if (agreement.status !== 'active') return `agreement_${agreement.status}`;
  if (agreement.neverBilled) return 'never_billed';
  if (agreement.endDate !== null && agreement.endDate < asOf) return 'agreement_ended';
  // ConnectWise bills a line while effectiveDate <= D and cancelledDate > D (connectwise.md §5.2), so the end is exclusive.
  if (line.effectiveTo !== null && line.effectiveTo <= asOf) return 'ended';
  if (line.effectiveFrom !== null && line.effectiveFrom > asOf) return 'not_started';
  if (line.status !== 'active') return 'line_not_active';
  return undefined;
}

const leftOutWords: Record<LeftOutLine['reason'], string> = {
  account_inactive: 'the company is not active',
  prospect: 'the company is a prospect',
  agreement_inactive: 'its agreement is not active',
  agreement_cancelled: 'its agreement is cancelled',
  agreement_expired: 'its agreement has expired',
  agreement_ended: 'its agreement ends before the next invoice',
  never_billed: 'its agreement is never billed (billing cycle None)',
  line_not_active: 'the line is not active',
  ended: 'the line ends before the next invoice',
  not_started: 'the line begins after the next invoice',
};

/** What to do in the PSA about usage that no line bills: there may be a line, left out for a reason. */
export function noLineWords(input: ReconcileInput, leftOut: readonly LeftOutLine[]): string {
  const [first] = leftOut;
  if (first) {
    return `The PSA has a line for this product that the next invoice does not bill: ${leftOutWords[first.reason]}. Put that right in the PSA, then sync.`;
  }
  if (!input.account.active || input.account.prospect) {
    const why = leftOutWords[input.account.prospect ? 'prospect' : 'account_inactive'];
    return `Nothing is billed, because ${why}. Put that right in the PSA and add this product to an agreement, then sync.`;
  }
  return 'The PSA has no active line for this product: add it to an agreement in the PSA, then sync.';
}

/**
 * Which line takes the difference, and whether it may.
 *
 * @param input.pick the line a person picked; ignored once it is no longer active
 * @param input.mode a rule's line mode; without one a monthly agreement follows usage, every other is report only
 */
export function chooseLine(input: {
  lines: readonly CardLine[];
  target: number;
  current: number;
  pick: string | null;
  mode: LineMode | null;
}): { write?: LineWrite; flag?: CardFlag } {
  const line =
    input.lines.length === 1 ? input.lines[0] : input.lines.find((candidate) => candidate.lineId === input.pick);
  if (!line) {
    return {
      flag: {
        code: 'needs_choice',
        reason: 'several_lines',
        words: 'Several lines bill this product. Pick the one that takes the difference.',
      },
    };
  }
  const newQuantity = tidy(line.quantity + input.target - input.current);
  if (newQuantity < 0) {
    return {
      flag: {
        code: 'needs_choice',
        reason: 'below_zero',
        words: `The line would fall below 0 (to ${newQuantity}). Pick another line, or change the lines in the PSA.`,
      },
    };
  }
  const write = { line, newQuantity };
  const mode = input.mode ?? (line.monthly ? 'follow' : 'report_only');
  if (mode === 'report_only') {
    const words = input.mode
      ? 'A rule says: report only.'
      : 'This agreement is not billed monthly, so its lines are reported only. A rule can change that.';
    return { write, flag: { code: 'not_writable', reason: 'report_only', words } };
  }
  if (mode === 'never_lower' && input.target < input.current) {
    return {
      write,
      flag: { code: 'not_writable', reason: 'never_lower', words: 'A rule says: never lower this quantity.' },
    };
  }
  return { write };
}
