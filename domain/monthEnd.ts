/**
 * The month-end sheet: what became, within a period, of each card with a difference. Every card is in exactly one part:
 * `approved` (somebody signed it off, in the period or before it so that it is open still), else `skipped` (somebody asked for it, and it was left out), else `dismissed`, else
 * `untouched`.
 */
import type { ApprovalLineState } from './transitions.ts';

export const sheetParts = ['approved', 'skipped', 'dismissed', 'untouched'] as const;
export type SheetPart = (typeof sheetParts)[number];

/** The sums of a sheet: each line stands in exactly one of them. `notWritten`: approved, and it came to nothing or was undone. */
export const sheetSums = ['billed', 'open', 'notWritten', 'skipped', 'dismissed', 'untouched'] as const;
export type SheetSum = (typeof sheetSums)[number];

/**
 * @param state of an approved line; null = the line is in another part
 * @param cancelled the line and its undo, both of the period, change nothing together
 */
export function sumOf(part: SheetPart, state: ApprovalLineState | null, cancelled: boolean): SheetSum {
  if (cancelled) return 'notWritten';
  if (part !== 'approved' || state === null) return part === 'approved' ? 'open' : part;
  const isOf = (states: readonly ApprovalLineState[]) => states.includes(state);
  return isOf(billedStates) ? 'billed' : isOf(openStates) ? 'open' : 'notWritten';
}

/** Why usage is on no card, so that it is not billed and has no money: its customer or its service leads to none. */
export const unbilledReasons = ['unmapped', 'excluded', 'unmapped_service'] as const;
export type Unbilled = (typeof unbilledReasons)[number];

/** @param customers of a service: how many of the mapped customers use it */
export function describeUnbilled(why: Unbilled, customers: number): string {
  switch (why) {
    case 'unmapped':
      return 'The customer is mapped to nobody, so nobody is billed for what it uses.';
    case 'excluded':
      return 'Somebody excluded the customer, so nobody is billed for what it uses.';
    case 'unmapped_service':
      return `The service is mapped to no product, so nobody is billed for it; ${customers} mapped ${customers === 1 ? 'customer uses' : 'customers use'} it.`;
  }
}

/** States of lines whose new quantity the PSA holds. */
export const billedStates = ['applied', 'already', 'verified'] as const satisfies readonly ApprovalLineState[];
/** States of lines of which it is not known yet whether the PSA will hold the new quantity. */
export const openStates = ['intended', 'writing', 'uncertain', 'todo'] as const satisfies readonly ApprovalLineState[];

export const sheetOutcomes = [
  'written',
  'already',
  'by_hand',
  'undone',
  'under_way',
  'uncertain',
  'todo',
  'conflict',
  'rejected',
  'withdrawn',
  'replaced',
] as const;
export type SheetOutcome = (typeof sheetOutcomes)[number];

const outcomes: Record<ApprovalLineState, SheetOutcome> = {
  intended: 'under_way',
  writing: 'under_way',
  uncertain: 'uncertain',
  applied: 'written',
  already: 'already',
  conflict: 'conflict',
  rejected: 'rejected',
  todo: 'todo',
  verified: 'by_hand',
  withdrawn: 'withdrawn',
  replaced: 'replaced',
};

/** @param undone whether a later approval wrote the old quantity back */
export function outcomeOf(state: ApprovalLineState, undone: boolean): SheetOutcome {
  return undone && state === 'applied' ? 'undone' : outcomes[state];
}

const outcomeWords: Record<SheetOutcome, string> = {
  written: 'Written to the PSA.',
  already: 'The PSA held the new quantity already.',
  by_hand: 'Done by hand in the PSA, and verified by reading it.',
  undone: 'Written to the PSA, and undone later: the undo is a line of its own.',
  under_way: 'It is being written.',
  uncertain: 'The PSA did not answer, so it is not known yet whether it was written. The line is read again.',
  todo: 'Writing is off: somebody has to do it in the PSA, and the next read verifies it.',
  conflict: 'The PSA held another quantity than was shown, so nothing was written.',
  rejected: 'The PSA refused the write.',
  withdrawn: 'The to-do was withdrawn.',
  replaced: 'A later approval of the same line replaced this to-do.',
};

/**
 * @param problem what the PSA answered, or what it held; null = nothing to tell
 * @param earlier it was approved before the period
 */
export function describeOutcome(outcome: SheetOutcome, problem: string | null, earlier: boolean): string {
  const words = problem ?? outcomeWords[outcome];
  return earlier ? `Approved before these days, and not done yet. ${words}` : words;
}

/** @param reason a person's own words */
export function describeDismissal(reason: string | null): string {
  return reason === null ? 'Dismissed.' : `Dismissed: ${reason}`;
}

/**
 * @param flag what the card says of itself; null = nothing stands in its way
 * @param noLine whether it is used and no line bills it
 */
export function describeUntouched(flag: string | null, noLine: boolean): string {
  if (flag === null && noLine) return 'Nobody has decided about it. It is used, and no line bills it.';
  return flag === null ? 'Nobody has decided about it.' : `Nobody has decided about it. ${flag}`;
}
