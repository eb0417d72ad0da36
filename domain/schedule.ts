/**
 * When an integration syncs by itself. These functions compute what a Temporal Schedule does with the same calendar (tried:
 * a time that the clock jumps over is skipped, a time that comes twice runs twice, a day that a month lacks is skipped).
 * A test compares the two, except on the day on which the clock is set back: for a time in the hour before the one that
 * comes twice, the server (1.29) was seen to run once more, an hour late. An extra sync changes no number.
 */
import { createHash } from 'node:crypto';
import { CronExpressionParser } from 'cron-parser';
import { DateTime, IANAZone } from 'luxon';

/** Times of day are `HH:MM` on the clock of the schedule's time zone. */
export type ScheduleChoice =
  | { every: 'never' }
  | { every: 'night'; at: string }
  | { every: 'week'; on: Weekday; at: string }
  | { every: 'month'; on: number | 'last'; at: string }
  | { cron: string };

export const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;
export type Weekday = (typeof weekdays)[number];

export interface Schedule {
  choice: ScheduleChoice;
  /** An IANA name, as `Europe/Berlin`. */
  timeZone: string;
  /** A run begins up to this many minutes later, so that not all tenants ask at once. */
  jitterMinutes: number;
  paused: boolean;
}

/** The schedule of an integration that syncs by itself; Temporal must have it. */
export interface WantedSchedule extends Schedule {
  integrationId: string;
  organizationId: string;
}

/** The schedule of an integration for which nobody chose one: every night between 03:30 and 03:40, or never. */
export function defaultSchedule(choice: 'everyNight' | 'never', timeZone: string): Schedule {
  return {
    choice: choice === 'never' ? { every: 'never' } : { every: 'night', at: defaultTime },
    timeZone,
    jitterMinutes: defaultJitterMinutes,
    paused: false,
  };
}

export const defaultTime = '03:30';
export const defaultJitterMinutes = 10;

/** A set of times: a time belongs to it if each of its parts is listed; an absent list admits any value. */
export interface Calendar {
  minutes: number[];
  hours: number[];
  /** 1 to 31. */
  daysOfMonth?: number[];
  /** 1 to 12. */
  months?: number[];
  /** 0 = Sunday. */
  daysOfWeek?: number[];
  years?: { first: number; step: number };
}

export class ScheduleError extends Error {
  override readonly name = 'ScheduleError';
}

/** The last year of any schedule: Temporal's own limit for a calendar. */
const lastYear = 2100;

/** @throws ScheduleError for an invalid cron expression, or for one that restricts both day of the month and of the week */
export function calendarsOf(choice: ScheduleChoice): Calendar[] {
  if ('cron' in choice) return [calendarOfCron(choice.cron)];
  if (choice.every === 'never') return [];
  const at = timeOf(choice.at);
  if (choice.every === 'night') return [at];
  if (choice.every === 'week') return [{ ...at, daysOfWeek: [weekdays.indexOf(choice.on)] }];
  if (choice.on !== 'last') return [{ ...at, daysOfMonth: [choice.on] }];
  return [
    { ...at, daysOfMonth: [31], months: [1, 3, 5, 7, 8, 10, 12] },
    { ...at, daysOfMonth: [30], months: [4, 6, 9, 11] },
    { ...at, daysOfMonth: [29], months: [2], years: { first: 2028, step: 4 } },
    ...[2025, 2026, 2027].map((first) => ({ ...at, daysOfMonth: [28], months: [2], years: { first, step: 4 } })),
  ];
}

function timeOf(at: string): Pick<Calendar, 'minutes' | 'hours'> {
  const [hour = 0, minute = 0] = at.split(':').map(Number);
  return { minutes: [minute], hours: [hour] };
}

/** A field of the common cron syntax: numbers, names, lists, ranges and steps. */
const cronValue = '(\\d+|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat)';
const cronPart = `(\\*|${cronValue}(-${cronValue})?)(/\\d+)?`;
const cronField = new RegExp(`^${cronPart}(,${cronPart})*$`, 'i');

function calendarOfCron(cron: string): Calendar {
  const fields = cron.trim().split(/\s+/);
  if (fields.length !== 5 || !fields.every((field) => cronField.test(field)))
    throw new ScheduleError(
      'A cron expression has five fields: minute, hour, day of the month, month, day of the week; as in "30 3 * * 1-5".',
    );
  const [, , dayOfMonth, month, dayOfWeek] = fields;
  // Most crons run when either day matches; Temporal requires both.
  if (dayOfMonth !== '*' && dayOfWeek !== '*')
    throw new ScheduleError('Give the day of the month or the day of the week, not both: crons do not agree on that.');
  let parsed;
  try {
    ({ fields: parsed } = CronExpressionParser.parse(fields.join(' ')));
  } catch (error) {
    throw new ScheduleError(`This cron expression has a field that does not fit: ${(error as Error).message}.`);
  }
  const numbers = (values: readonly unknown[]) => values.map(Number);
  return {
    minutes: numbers(parsed.minute.values),
    hours: numbers(parsed.hour.values),
    ...(dayOfMonth === '*' ? {} : { daysOfMonth: numbers(parsed.dayOfMonth.values) }),
    ...(month === '*' ? {} : { months: numbers(parsed.month.values) }),
    // Some write Sunday as 7.
    ...(dayOfWeek === '*' ? {} : { daysOfWeek: [...new Set(numbers(parsed.dayOfWeek.values).map((day) => day % 7))] }),
  };
}

export function isTimeZone(name: string): boolean {
  return IANAZone.isValidZone(name);
}

/** A hash of what Temporal stores of a schedule: a Schedule with the same revision need not be written again. */
export function revisionOf(schedule: Schedule): string {
  const { choice, timeZone, jitterMinutes, paused } = schedule;
  return createHash('sha256')
    .update(JSON.stringify([calendarsOf(choice), timeZone, jitterMinutes, paused]))
    .digest('hex')
    .slice(0, 16);
}

/** The calendar's instants of one day, in order. */
function instantsOf(calendar: Calendar, date: DateTime): DateTime[] {
  const found: DateTime[] = [];
  for (const hour of calendar.hours) {
    for (const minute of calendar.minutes) {
      const local = date.set({ hour, minute });
      // The clock jumps over this time: luxon moves it, Temporal skips it.
      if (local.hour !== hour || local.minute !== minute) continue;
      found.push(...local.getPossibleOffsets());
    }
  }
  return found.sort((a, b) => a.toMillis() - b.toMillis());
}

function includes({ daysOfMonth, months, daysOfWeek, years }: Calendar, date: DateTime): boolean {
  return (
    (daysOfMonth === undefined || daysOfMonth.includes(date.day)) &&
    (months === undefined || months.includes(date.month)) &&
    (daysOfWeek === undefined || daysOfWeek.includes(date.weekday % 7)) &&
    (years === undefined || (date.year >= years.first && (date.year - years.first) % years.step === 0))
  );
}

/** Days from `from` on, in the time zone; each is given at noon, which no change of the clock skips. */
function* daysFrom(from: Date, timeZone: string): Generator<DateTime> {
  const first = DateTime.fromJSDate(from, { zone: timeZone }).set({ hour: 12, minute: 0, second: 0, millisecond: 0 });
  for (let at = 0; ; at++) {
    const date = first.plus({ days: at });
    if (date.year > lastYear) return;
    yield date;
  }
}

/** More than a year, so that it covers every date and both changes of the clock. */
const lookAheadDays = 400;

/**
 * The next runs, without jitter and whether or not it is paused.
 *
 * @param count at most; those of the next 400 days
 */
export function nextRuns(
  { choice, timeZone }: Pick<Schedule, 'choice' | 'timeZone'>,
  from: Date,
  count: number,
): Date[] {
  const calendars = calendarsOf(choice);
  const runs: Date[] = [];
  let days = 0;
  for (const date of daysFrom(from, timeZone)) {
    if (days++ > lookAheadDays || runs.length >= count) break;
    const today = calendars.filter((each) => includes(each, date)).flatMap((each) => instantsOf(each, date));
    runs.push(...today.map((each) => each.toJSDate()).filter((each) => each > from));
  }
  return runs.slice(0, count);
}

export interface ScheduleWarning {
  code: 'missing_day' | 'clock_forward' | 'clock_back' | 'never_runs';
  detail: string;
}

/** With more runs a day than this, one run more or less needs no warning. */
const fewRuns = 4;

/** Surprises of the next 400 days: days that do not exist, and times that the clock skips or repeats. */
export function warningsOf({ choice, timeZone }: Pick<Schedule, 'choice' | 'timeZone'>, from: Date): ScheduleWarning[] {
  const calendars = calendarsOf(choice);
  const warnings = calendars.length === 1 ? calendars.flatMap(missingDays) : [];
  let days = 0;
  for (const date of daysFrom(from, timeZone)) {
    if (days++ > lookAheadDays) break;
    for (const calendar of calendars) {
      const wanted = calendar.hours.length * calendar.minutes.length;
      if (wanted > fewRuns || !includes(calendar, date)) continue;
      const found = instantsOf(calendar, date).length;
      const day = date.toISODate() ?? '';
      if (found < wanted) {
        const detail = `On ${day} the clock of ${timeZone} jumps over the time of this schedule: no sync runs then.`;
        warnings.push({ code: 'clock_forward', detail });
      }
      if (found > wanted) {
        const detail = `On ${day} the time of this schedule comes twice in ${timeZone}: two syncs run.`;
        warnings.push({ code: 'clock_back', detail });
      }
    }
  }
  if (calendars.length > 0 && nextRuns({ choice, timeZone }, from, 1).length === 0)
    warnings.push({ code: 'never_runs', detail: 'No sync runs in the next 400 days.' });
  return warnings;
}

const monthNames = Array.from({ length: 12 }, (_unused, at) => DateTime.utc(2026, at + 1, 1).toFormat('MMMM'));
/** February has 28 days in most years. */
const monthDays = Array.from({ length: 12 }, (_unused, at) => DateTime.utc(2026, at + 1, 1).daysInMonth ?? 31);

function missingDays({ daysOfMonth, months }: Calendar): ScheduleWarning[] {
  const day = Math.min(...(daysOfMonth ?? [1]));
  const lacking = monthNames.filter((_name, at) => day > (monthDays[at] ?? 31) && (months?.includes(at + 1) ?? true));
  if (lacking.length === 0) return [];
  const where = day === 29 ? 'February, but in leap years' : lacking.join(', ');
  const detail = `There is no day ${day} in ${where}: no sync runs then. Choose the last day of the month instead.`;
  return [{ code: 'missing_day', detail }];
}
