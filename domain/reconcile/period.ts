/** The period that an agreement's next invoice bills: the day on which its lines are read, and when the period ends. */
import type { AgreementInput } from './types.ts';

/** All days are YYYY-MM-DD. */
export interface Period {
  /** D, the day from which the next invoice bills; today where the PSA does not give it. */
  asOf: string;
  asOfKnown: boolean;
  /**
   * The day on which lines are read: D, or today when D has passed. A past D does not tell what is billed now: the line of
   * that day may have ended, and another may have replaced it.
   */
  readOn: string;
  /** The first day after the period that contains `readOn`. */
  ends: string;
  /**
   * Set when the period is not known for sure: a line that begins or ends after `readOn` and before this day makes its card
   * unsure. null = the period is known.
   */
  unsureUntil: string | null;
  /** False when the billing cycle is not known, so that a month is assumed. */
  cycleKnown: boolean;
}

/** The length of a period: a whole number of days or of months. */
type Length = { days: number } | { months: number };

/**
 * Billing cycles of a certain length, by name without spaces and dashes. "Bi-monthly" and "bi-weekly" are missing on
 * purpose: some people mean twice a month, others every second month.
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
  // Within the month or week of `day`, a period may begin after `day` or before it.
  const begin = (periods: number) =>
    plus(start, 'days' in length ? { days: periods * length.days } : { months: periods * length.months });
  return begin(passed) > day ? begin(passed) : begin(passed + 1);
}

/** Adds a length to a day. If the month lacks the day, its last day is taken: a month after January 31 is February 28. */
function plus(day: string, length: Length): string {
  if ('days' in length) return dayOf((numberOf(day) + length.days) * msPerDay);
  const year = Math.floor((monthOf(day) + length.months) / 12);
  const month = (monthOf(day) + length.months) % 12;
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  return dayOf(Date.UTC(year, month, Math.min(Number(day.slice(8)), lastDay)));
}

export function dayBefore(day: string): string {
  return plus(day, { days: -1 });
}

const msPerDay = 86_400_000;
const numberOf = (day: string) => Date.parse(`${day}T00:00:00Z`) / msPerDay;
const monthOf = (day: string) => Number(day.slice(0, 4)) * 12 + Number(day.slice(5, 7)) - 1;
const dayOf = (moment: number) => new Date(moment).toISOString().slice(0, 10);
