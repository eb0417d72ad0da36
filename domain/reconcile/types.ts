import type { Acceptance } from '../incomplete.ts';
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
  /** The way the number came: Countersign read it (`pull`), or the vendor sent it (`push`). */
  source: 'push' | 'pull';
  runId: string | null;
  /** ISO time of the run that brought it. */
  asOf: string;
  swing: boolean;
  /** ISO time, or null while it is still reported. */
  notReportedSince: string | null;
  /** It was read from a list that was not whole, which a person took so. */
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
}

export type LineMode = 'follow' | 'never_lower' | 'report_only';

/** What a person decided for this account × product; with reason and author, so that the number can be explained. */
export interface AccountRule {
  /** Internal, free, trial, billed elsewhere: the target is 0. */
  notBilled?: boolean;
  minimum?: number;
  offset?: number;
  lineMode?: LineMode;
  reason: string;
  author: string;
  /** Last day it holds, YYYY-MM-DD. */
  expires?: string;
}

export type Dismissal =
  | { until: 'change'; target: number | null; current: number; reason: string }
  | { until: 'date'; before: string; reason: string };

export interface Decision {
  rule?: AccountRule;
  /** The line that takes the difference; forgotten when that line ends. */
  lineId?: string;
  dismissal?: Dismissal;
}

export type Combine = 'add' | 'highest' | 'distinct';

/** What could not be read of this account: its numbers are the last ones that were, so nothing is approved by them. */
export interface UnreadInput {
  reason: 'account_not_read' | 'agreement_not_read' | 'lines_not_read' | 'usage_not_read';
  /** With the name of what could not be read, since when and why. */
  words: string;
  /** Of an agreement that bills nothing now: it matters where a line is looked for, and nowhere else. */
  onlyWithoutLine?: boolean;
}

export interface ReconcileInput {
  account: { active: boolean; prospect: boolean };
  /** YYYY-MM-DD */
  today: string;
  usage: UsageInput[];
  mappings: ServiceMappingInput[];
  /** By product id; no default. */
  combine: Record<string, Combine>;
  /** Decimals of a quantity that the PSA keeps: targets are rounded to them, half up, and compared at them. */
  quantityDecimals: number;
  agreements: AgreementInput[];
  lines: LineInput[];
  /** Agreements or lines of this account were read from a list that was not whole, which a person took so. */
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
  /** False when the agreement has no next invoice date, so that today stands in. */
  asOfKnown: boolean;
  /** The day it was read as of: `asOf`, or today when that has passed. */
  readOn: string;
  effectiveFrom: string | null;
  /** The first day on which it is no longer billed. */
  effectiveTo: string | null;
  /** Lines of the same agreement and product that end within the period, and that this one follows. */
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
  /** The reason in words. */
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
    /** Another line of its agreement takes its place within the period that is billed next. */
    | 'succeeded'
    /** A quantity or price below 0 gives money back: it says nothing of how many seats are billed. */
    | 'credit';
}

/** The write an approval would make. */
export interface LineWrite {
  line: CardLine;
  newQuantity: number;
}

/** Change of what the next invoice bills, in one currency; currencies are never added up. */
export interface MoneyChange {
  currency: string | null;
  amount: number;
  notBilled: boolean;
}

export type CardKind = 'new_revenue' | 'reconcile' | 'no_change' | 'only_credits';

export interface Card {
  productId: string;
  /** `only_credits`: the PSA gives money back for this product and bills no seat of it. */
  kind: CardKind;
  flags: CardFlag[];
  usage: number | null;
  /** Rounded to the decimals that the PSA keeps. */
  target: number | null;
  /** The sum of the lines, each at the decimals that the PSA keeps. */
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
