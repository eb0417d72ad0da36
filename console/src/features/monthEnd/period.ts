/** The days of a sheet, on the clock of whoever looks at it. */

export interface Days {
  /** YYYY-MM-DD; both are part of the period. */
  from: string;
  to: string;
}

const textOf = (year: number, month: number, day: number) =>
  new Date(Date.UTC(year, month, day)).toISOString().slice(0, 10);

/** @param back how many months ago; 0 = this one */
export function monthOf(back: number, now = new Date()): Days {
  const [year, month] = [now.getFullYear(), now.getMonth() - back];
  return { from: textOf(year, month, 1), to: textOf(year, month + 1, 0) };
}

/** This month and those before it, the newest first. */
export const months = (): Days[] => Array.from({ length: 13 }, (_, back) => monthOf(back));

/** @param given what stands in the address: one day alone means its month, and none this month */
export function daysOf({ from, to }: { from?: string; to?: string }): Days {
  const some = from ?? to;
  if (some === undefined) return monthOf(0);
  const [year = 2000, month = 1] = some.split('-').map(Number);
  return { from: from ?? textOf(year, month - 1, 1), to: to ?? textOf(year, month, 0) };
}
