/** A period of whole days on the clock of a time zone, such as a calendar month. */
import { DateTime } from 'luxon';

export interface Period {
  /** Its first and its last day, YYYY-MM-DD. */
  from: string;
  to: string;
  /** An IANA name, as `Europe/Berlin`. */
  timeZone: string;
  begins: Date;
  /** The first moment after it. */
  ends: Date;
}

/**
 * Makes a period of what is given. Without days it is the current calendar month; with one of its days, the other one is
 * the first or last day of the same month.
 *
 * @param given days as YYYY-MM-DD, and a valid time zone
 * @returns undefined when the last day is before the first
 */
export function periodOf(
  given: { from?: string | undefined; to?: string | undefined; timeZone: string },
  now: Date,
): Period | undefined {
  const { timeZone } = given;
  const dayOf = (day: string) => DateTime.fromISO(day, { zone: timeZone });
  const some = given.from ?? given.to;
  const inside = some === undefined ? DateTime.fromJSDate(now, { zone: timeZone }) : dayOf(some);
  const first = (given.from === undefined ? inside.startOf('month') : dayOf(given.from)).startOf('day');
  const last = (given.to === undefined ? inside.endOf('month') : dayOf(given.to)).startOf('day');
  if (last < first) return undefined;
  return {
    from: first.toFormat('yyyy-MM-dd'),
    to: last.toFormat('yyyy-MM-dd'),
    timeZone,
    begins: first.toJSDate(),
    ends: last.plus({ days: 1 }).startOf('day').toJSDate(),
  };
}
