/** Quantities as a PSA keeps them: doubles, compared and rounded to four decimal places. */

export const roundings = ['none', 'up', 'down', 'nearest'] as const;
export type Rounding = (typeof roundings)[number];

/** Decimals that Countersign keeps; a PSA may keep fewer. */
export const maxDecimals = 4;
const scale = 10 ** maxDecimals;

/** More than any MSP has: a larger quantity is a mistake, which would be billed. */
export const largestQuantity = 1e9;

/** Rounds away the error of binary fractions: 0.1 + 0.2 → 0.3. */
export function tidy(quantity: number): number {
  return roundHalfUp(quantity, maxDecimals);
}

/**
 * Rounds as a PSA does that keeps so many decimals: 31.3457 → 31.35, and 1.005 → 1.01 though its double is a little less.
 *
 * @param decimals 0 to 4
 */
export function roundHalfUp(quantity: number, decimals: number): number {
  // Whole ten-thousandths first, because in integers halves are exact.
  const units = Math.round(quantity * scale);
  if (!Number.isSafeInteger(units)) return quantity;
  const step = 10 ** (maxDecimals - decimals);
  const rounded = Math.floor((units + step / 2) / step) * step;
  return rounded === 0 ? 0 : rounded / scale;
}

/** Whether two quantities are equal at the decimals that the PSA keeps; at four where no PSA is concerned. */
export function sameQuantity(a: number, b: number, decimals = maxDecimals): boolean {
  return roundHalfUp(a, decimals) === roundHalfUp(b, decimals);
}

/** Rounds to whole units, after tidying: 3.00000001 rounded up is 3. */
export function roundQuantity(quantity: number, rounding: Rounding): number {
  const tidied = tidy(quantity);
  switch (rounding) {
    case 'none':
      return tidied;
    case 'up':
      return Math.ceil(tidied);
    case 'down':
      return Math.floor(tidied);
    case 'nearest':
      return Math.round(tidied);
  }
}

/** The billed part of a gross quantity: the included part is subtracted first (`includedQuantity` of a line). */
export function billedQuantity(quantity: number, included: number): number {
  return tidy(Math.max(0, quantity - included));
}

/** Rounds money to a hundredth of a cent, so that sums of prices do not drift. */
export function money(amount: number): number {
  return tidy(amount);
}
