/**
 * Holds a refresh of a PSA that has lost too many rows (invariant 3). A PSA may answer with fewer rows and no error: an agent limited
 * to some customers, a restricted access level. Without the guard usage would look as if nobody billed it.
 */

/** How much a refresh may lose; settings of the connection. */
export interface LossLimit {
  /** A refresh is held when it has lost more than this share of the accounts or of the lines, in percent … */
  lostPercent: number;
  /** … and at least so many: one of four customers that is gone is no sign of a missing right. */
  lostRows: number;
}

export const defaultLossLimit: LossLimit = { lostPercent: 20, lostRows: 3 };

export interface RowCounts {
  accounts: number;
  lines: number;
}

/** What is kept with a refresh that is held. */
export interface RefreshGuard {
  before: RowCounts;
  after: RowCounts;
}

/** Whether the rows that a refresh has read are too few beside those that are visible. */
export function losesRows({ before, after }: RefreshGuard, { lostPercent, lostRows }: LossLimit): boolean {
  const isLost = (of: keyof RowCounts) => {
    const lost = before[of] - after[of];
    return lost >= lostRows && lost * 100 > before[of] * lostPercent;
  };
  return isLost('accounts') || isLost('lines');
}

/** Says what was lost, and what to do about it. */
export function describeLoss({ before, after }: RefreshGuard): string {
  return `The PSA gave ${after.accounts} of the ${before.accounts} accounts and ${after.lines} of the ${before.lines} lines that it gave before, without an error. Nothing of it is shown. If a right of Countersign was narrowed there, restore it and discard this reading; if the rows are really gone, release it.`;
}
