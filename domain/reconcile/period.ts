/** The period that an agreement's next invoice bills: which day its lines are read on, and how far lines are looked at. */
import type { AgreementInput } from './types.ts';

/** All days are YYYY-MM-DD. */
export interface Period {
  /** D, the day from which the next invoice bills; today stands in where the PSA does not say. */
  asOf: string;
  asOfKnown: boolean;
  /**
   * The day lines are read on: D, or today when D has passed. A D that is behind says nothing of what is billed now: the
   * line that ran then may be over, and another may run in its place.
   */
  readOn: string;
  /** The first day that no longer belongs to the period that holds `readOn`. */
  ends: string;
  /**
   * When the period is not known for sure: a line that begins or ends after `readOn` and before this day makes its card
   * unsure. null = it is known.
   */
  unsureUntil: string | null;
  /** False when the billing cycle is not known, so that a month is assumed. */
  cycleKnown: boolean;
}

/** A period is a whole number of days or of months long. */
type Length = { days: number } | { months: number };

/**
 * Billing cycles whose length is not in doubt, by their name without spaces and dashes. "Bi-monthly" and "bi-weekly" are
 * not here: some people mean twice, others every second.
 */
const cycles: Record<string, Length> = {
  weekly: { days: 7 },
  monthly: { months: 1 },
  quarterly: { months: 3 },
  semiannual: { months: 6 },
  semiannually: { months: 6 },
  halfyearly: { months: 6 },
  annual: { months: 12 },
  annually: { months: 12 },
  yearly: { months: 12 },
};

/** @param today YYYY-MM-DD */
export function periodOf(agreement: AgreementInput, today: string): Period {
  const asOf = agreement.nextInvoiceDate ?? today;
  const asOfKnown = agreement.nextInvoiceDate !== null;
  const readOn = asOf < today ? today : asOf;
  const name = agreement.billingCycle?.toLowerCase().replaceAll(/[^a-z]/g, '') ?? '';
  const known = Object.hasOwn(cycles, name) ? cycles[name] : agreement.monthly ? cycles['monthly'] : undefined;
  const ends = periodEnd(asOf, known ?? { months: 1 }, readOn);
  const unsureUntil = known ? (asOfKnown ? null : ends) : plus(readOn, { months: 12 });
  return { asOf, asOfKnown, readOn, ends, unsureUntil, cycleKnown: known !== undefined };
}

/** The first day after `day` on which a period begins, counted from `start`. */
function periodEnd(start: string, length: Length, day: string): string {
  const passed =
    'days' in length
      ? Math.floor((numberOf(day) - numberOf(start)) / length.days)
      : Math.floor((monthOf(day) - monthOf(start)) / length.months);
  // In the month or week of `day` a period may begin later than `day`, or not.
  const begin = (periods: number) =>
    plus(start, 'days' in length ? { days: periods * length.days } : { months: periods * length.months });
  return begin(passed) > day ? begin(passed) : begin(passed + 1);
}

/** A month that lacks the day takes its last one instead: a month after January 31 is February 28. */
function plus(day: string, length: Length): string {
  if ('days' in length) return dayOf((numberOf(day) + length.days) * msPerDay);
  const year = Math.floor((monthOf(day) + length.months) / 12);
  const month = (monthOf(day) + length.months) % 12;
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  return dayOf(Date.UTC(year, month, Math.min(Number(day.slice(8)), lastDay)));
}

/** The day before a day. */
export function dayBefore(day: string): string {
  return plus(day, { days: -1 });
}

const msPerDay = 86_400_000;
const numberOf = (day: string) => Date.parse(`${day}T00:00:00Z`) / msPerDay;
const monthOf = (day: string) => Number(day.slice(0, 4)) * 12 + Number(day.slice(5, 7)) - 1;
const dayOf = (moment: number) => new Date(moment).toISOString().slice(0, 10);
