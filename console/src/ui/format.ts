/** Numbers and times as the person's own language and zone write them. */
const dayMs = 86_400_000;

const count = new Intl.NumberFormat();
const difference = new Intl.NumberFormat(undefined, { signDisplay: 'exceptZero' });
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const thisYear = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});
const anyYear = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
});
const calendar = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeZone: 'UTC' });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });

/** With its sign: what is added, or taken away. */
export const formatDifference = (value: number) => difference.format(value);

export const formatCount = (value: number) => count.format(value);

/** "1 seat", "345 seats". */
export const formatMany = (value: number, one: string, many: string) =>
  value === 1 ? `1 ${one}` : `${formatCount(value)} ${many}`;

/** An amount with its currency: "$118.50". A PSA may not say which currency it is. */
export function formatMoney(amount: number, currency: string | null): string {
  const style = currency === null ? { minimumFractionDigits: 2 } : { style: 'currency' as const, currency };
  const text = new Intl.NumberFormat(undefined, style).format(amount);
  return currency === null ? `${text} (currency not known)` : text;
}

/** A day of the PSA's calendar, which has no time zone: "2026-12-01" → "Dec 1, 2026". */
export function formatDay(day: string): string {
  return calendar.format(new Date(`${day}T12:00:00Z`));
}

/** The days in a sentence of the API, which writes them as YYYY-MM-DD, as the page writes days. */
export const formatDaysIn = (sentence: string) => sentence.replaceAll(/\b20\d\d-\d\d-\d\d\b/g, formatDay);

/** An amount with its currency and its sign: "+$118.50". A PSA may not say which currency it is. */
export function formatMoneyChange(amount: number, currency: string | null): string {
  const style = currency === null ? { minimumFractionDigits: 2 } : { style: 'currency' as const, currency };
  const text = new Intl.NumberFormat(undefined, { ...style, signDisplay: 'exceptZero' }).format(amount);
  return currency === null ? `${text} (currency not known)` : text;
}

const month = new Intl.DateTimeFormat(undefined, { month: 'long', year: 'numeric', timeZone: 'UTC' });

/** "November 2026". @param date a day of the month, YYYY-MM-DD */
export const formatMonth = (date: string) => month.format(new Date(`${date}T00:00:00Z`));

/** As short as it can be without being unclear: today's by the clock, others with their day. */
export function formatTime(at: Date, now: Date): string {
  if (at.toDateString() === now.toDateString()) return clock.format(at);
  return (at.getFullYear() === now.getFullYear() ? thisYear : anyYear).format(at);
}

/** With the zone, for whoever wants to know exactly. */
export const formatWholeTime = (at: Date) => whole.format(at);

/** "5 minutes ago", "in 3 hours". */
export function formatAge(at: Date, now: Date): string {
  const ms = at.getTime() - now.getTime();
  const size = Math.abs(ms);
  if (size < 45_000) return ms > 0 ? 'in a moment' : 'just now';
  if (size < 3_600_000) return relative.format(Math.round(ms / 60_000), 'minute');
  if (size < dayMs) return relative.format(Math.round(ms / 3_600_000), 'hour');
  return relative.format(Math.round(ms / dayMs), 'day');
}

/** "41 s", "3 min 5 s", "2 h 10 min". */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  return minutes % 60 === 0 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
