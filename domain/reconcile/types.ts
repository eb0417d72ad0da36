import type { Acceptance } from '../incomplete.ts';
import type { NotWritableReason, PsaCaps, ZeroChoice } from '../psaCaps.ts';
import type { Rounding } from '../quantities.ts';
import type { FanOut } from '../serviceMapping.ts';

export interface UsagePartInput {
  domain: string;
  group: string;
  groupId: string;
  quantity: number;
}

/** One usage count of a vendor account that is mapped to this PSA account. */
export interface UsageInput {
  integrationId: string;
  vendorAccountId: string;
  serviceId: string;
  /** null = never reported. */
  quantity: number | null;
  parts: UsagePartInput[];
  /** How the number arrived: Countersign read it (`pull`), or the vendor sent it (`push`). */
  source: 'push' | 'pull';
  runId: string | null;
  /** ISO time of the run that brought it. */
  asOf: string;
  swing: boolean;
  /** ISO time since which the count is no longer reported; null while it is. */
  notReportedSince: string | null;
  /** Set when the count was read from an incomplete list that a person accepted. */
  incomplete?: Acceptance;
}

export interface ServiceMappingInput {
  integrationId: string;
  serviceId: string;
  productIds: string[];
  fanOut: FanOut;
  rounding: Rounding;
}

export interface AgreementInput {
  id: string;
  name: string;
  status: 'active' | 'inactive' | 'cancelled' | 'expired';
  /** YYYY-MM-DD */
  nextInvoiceDate: string | null;
  endDate: string | null;
  billingCycle: string | null;
  monthly: boolean;
  neverBilled: boolean;
  currency: string | null;
}

export interface LineInput {
  id: string;
  agreementId: string;
  productId: string;
  quantity: number;
  includedQuantity: number;
  unitPrice: number;
  billing: 'billable' | 'do_not_bill' | 'no_charge';
  effectiveFrom: string | null;
  effectiveTo: string | null;
  status: 'active' | 'inactive' | 'cancelled' | 'expired';
  version: string;
  /** Why the PSA keeps the line from being written; absent or null = nothing is known against it. */
  notWritable?: NotWritableReason | null;
}

export type LineMode = 'follow' | 'never_lower' | 'report_only';

/** A person's rule for one account × product, with reason and author, so that the number can be explained. */
export interface AccountRule {
  /** The target is 0: internal, free, trial, or billed elsewhere. */
  notBilled?: boolean | undefined;
  minimum?: number | undefined;
  offset?: number | undefined;
  lineMode?: LineMode | undefined;
  reason: string;
  author: string;
  /** The last day on which the rule holds, YYYY-MM-DD. */
  expires?: string | undefined;
}

interface Dismissed {
  reason: string;
  /** Who dismissed it, as the audit names it, and when (ISO time); absent on dismissals of before these were kept. */
  by?: string;
  at?: string;
  /** Somebody looked at the card and leaves what is billed as it is. */
  reviewed?: boolean;
}

export type Dismissal = Dismissed &
  ({ until: 'change'; target: number | null; current: number } | { until: 'date'; before: string });

export interface Decision {
  rule?: AccountRule;
  /** The line that takes the difference; forgotten when that line ends. */
  lineId?: string;
  dismissal?: Dismissal;
}

export type Combine = 'add' | 'highest' | 'distinct';

/** A part of this account that could not be read. Its numbers are the last known ones, so nothing is approved by them. */
export interface UnreadInput {
  reason: 'account_not_read' | 'agreement_not_read' | 'lines_not_read' | 'usage_not_read';
  /** A sentence: what could not be read, since when, and why. */
  words: string;
  /** Set for an agreement that bills nothing now: it matters only to a product that has no active line. */
  onlyWithoutLine?: boolean;
}

export interface ReconcileInput {
  account: { active: boolean; prospect: boolean };
  /** YYYY-MM-DD */
  today: string;
  usage: UsageInput[];
  mappings: ServiceMappingInput[];
  /** By product id. A product without an entry has no rule: there is no default. */
  combine: Record<string, Combine>;
  /** The decimals of a quantity that the PSA keeps: targets are rounded half up to them, and quantities compared at them. */
  quantityDecimals: number;
  /** What the PSA can do; absent = not known, so that nothing is asked beyond `quantityDecimals`. */
  caps?: PsaCaps;
  /** What becomes of a line that should go to 0; absent = it is set to 0. */
  zero?: ZeroChoice;
  agreements: AgreementInput[];
  lines: LineInput[];
  /** Set when agreements or lines of this account were read from an incomplete list that a person accepted. */
  linesIncomplete?: Acceptance;
  unread: UnreadInput[];
  /** By product id. */
  decisions: Record<string, Decision>;
}

export interface CardFlag {
  code: 'check_first' | 'no_longer_reported' | 'needs_choice' | 'needs_rule' | 'not_writable' | 'incomplete';
  reason: string;
  words: string;
}

export interface CardLine {
  lineId: string;
  agreementId: string;
  agreementName: string;
  quantity: number;
  includedQuantity: number;
  unitPrice: number;
  currency: string | null;
  billed: boolean;
  monthly: boolean;
  version: string;
  /** Start of the period the next invoice bills. */
  asOf: string;
  /** False when the agreement has no next invoice date, so that `asOf` is today. */
  asOfKnown: boolean;
  /** The day as of which the line was read: `asOf`, or today when that has passed. */
  readOn: string;
  effectiveFrom: string | null;
  /** The first day on which the line is no longer billed. */
  effectiveTo: string | null;
  /** Why the PSA keeps the line from being written; absent on cards of before this was known. */
  notWritable?: NotWritableReason | null;
  /** Lines of the same agreement and product that end within the period and that this line follows. */
  succeeds: { lineId: string; quantity: number; effectiveTo: string }[];
}

export interface LeftOutLine {
  lineId: string;
  agreementId: string;
  agreementName: string;
  quantity: number;
  unitPrice: number;
  currency: string | null;
  effectiveFrom: string | null;
  effectiveTo: string | null;
  /** The reason as a phrase for a person. */
  words: string;
  reason:
    | 'account_inactive'
    | 'prospect'
    | 'agreement_inactive'
    | 'agreement_cancelled'
    | 'agreement_expired'
    | 'agreement_ended'
    | 'never_billed'
    | 'line_not_active'
    | 'ended'
    | 'not_started'
    /** Another line of its agreement replaces it within the period that is billed next. */
    | 'succeeded'
    /** A quantity or price below 0 gives money back and does not tell how many seats are billed. */
    | 'credit';
}

/** The write an approval would make. */
export interface LineWrite {
  line: CardLine;
  newQuantity: number;
}

/** The change of the next invoice's amount in one currency; different currencies are never added. */
export interface MoneyChange {
  currency: string | null;
  amount: number;
  notBilled: boolean;
}

export type CardKind = 'new_revenue' | 'reconcile' | 'no_change' | 'only_credits';

export interface Card {
  productId: string;
  /** `only_credits` means that the PSA gives money back for this product and bills no seat of it. */
  kind: CardKind;
  flags: CardFlag[];
  usage: number | null;
  /** What should be billed, rounded to the decimals that the PSA keeps. */
  target: number | null;
  /** What is billed: the sum of the lines, each rounded to the decimals that the PSA keeps. */
  current: number;
  difference: number | null;
  lines: CardLine[];
  leftOut: LeftOutLine[];
  write: LineWrite | null;
  money: MoneyChange[];
  /** What approving means, in sentences. */
  preview: string[];
  approvable: boolean;
  bulkApprovable: boolean;
  dismissed: boolean;
  /** Where every number came from. */
  explanation: {
    counts: UsageInput[];
    combine: string;
    rule: AccountRule | null;
    linesAsOf: string[];
  };
}
