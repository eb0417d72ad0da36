/** Quantities as a PSA keeps them: doubles, compared and rounded to four decimal places. */

export const roundings = ['none', 'up', 'down', 'nearest'] as const;
export type Rounding = (typeof roundings)[number];

const scale = 10_000;

/** Rounds away what binary fractions add: 0.1 + 0.2 → 0.3. */
export function tidy(quantity: number): number {
  const tidied = Math.round(quantity * scale) / scale;
  return tidied === 0 ? 0 : tidied;
}

/** Equal to four decimal places. */
export function sameQuantity(a: number, b: number): boolean {
  return tidy(a) === tidy(b);
}

/** To whole units, after tidying: 3.00000001 rounded up is 3. */
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

/** What is billed of a gross quantity: what is included comes off first (connectwise.md §5.2, `lessIncluded`). */
export function billedQuantity(quantity: number, included: number): number {
  return tidy(Math.max(0, quantity - included));
}

/** Money to a hundredth of a cent, so that sums of prices do not drift. */
export function money(amount: number): number {
  return tidy(amount);
}
