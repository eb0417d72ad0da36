import { describe, expect, test } from 'vitest';
import {
  calendarsOf,
  defaultSchedule,
  isTimeZone,
  nextRuns,
  revisionOf,
  ScheduleError,
  warningsOf,
  type ScheduleChoice,
} from '../../domain/schedule.ts';

const from = new Date('2026-11-25T12:00:00Z');
const runs = (choice: ScheduleChoice, timeZone = 'UTC', count = 3) =>
  nextRuns({ choice, timeZone }, from, count).map((run) => run.toISOString().slice(0, 16));

describe('plain choices', () => {
  test('every night at 03:30, on the clock of the time zone', () => {
    expect(runs({ every: 'night', at: '03:30' })).toEqual(['2026-11-26T03:30', '2026-11-27T03:30', '2026-11-28T03:30']);
    expect(runs({ every: 'night', at: '03:30' }, 'Asia/Kolkata', 1)).toEqual(['2026-11-25T22:00']);
    expect(runs({ every: 'night', at: '08:00' }, 'America/New_York', 1)).toEqual(['2026-11-25T13:00']);
  });

  test('every week, on its day', () => {
    expect(runs({ every: 'week', on: 'sunday', at: '03:30' }, 'UTC', 2)).toEqual([
      '2026-11-29T03:30',
      '2026-12-06T03:30',
    ]);
  });

  test('the first of the month, and the last one of every month, leap years too', () => {
    expect(runs({ every: 'month', on: 1, at: '03:30' }, 'UTC', 2)).toEqual(['2026-12-01T03:30', '2027-01-01T03:30']);
    const last = { choice: { every: 'month', on: 'last', at: '03:30' } as const, timeZone: 'UTC' };
    const days = nextRuns(last, new Date('2027-12-15T00:00:00Z'), 6).map((run) => run.toISOString().slice(0, 10));
    expect(days).toEqual(['2027-12-31', '2028-01-31', '2028-02-29', '2028-03-31', '2028-04-30', '2028-05-31']);
    expect(warningsOf(last, from)).toEqual([]);
  });

  test('never', () => {
    expect(calendarsOf({ every: 'never' })).toEqual([]);
    expect(runs({ every: 'never' })).toEqual([]);
    expect(warningsOf({ choice: { every: 'never' }, timeZone: 'UTC' }, from)).toEqual([]);
  });
});

describe('cron', () => {
  test('numbers, names, lists, ranges and steps', () => {
    expect(runs({ cron: '0 */12 * * *' }, 'UTC', 2)).toEqual(['2026-11-26T00:00', '2026-11-26T12:00']);
    expect(runs({ cron: '15 6 * * MON-FRI' }, 'UTC', 3)).toEqual([
      '2026-11-26T06:15',
      '2026-11-27T06:15',
      '2026-11-30T06:15',
    ]);
    expect(runs({ cron: '0 0 * * 7' }, 'UTC', 1)).toEqual(['2026-11-29T00:00']);
    expect(runs({ cron: ' 5,35 4 1 jan,jul * ' }, 'UTC', 3)).toEqual([
      '2027-01-01T04:05',
      '2027-01-01T04:35',
      '2027-07-01T04:05',
    ]);
  });

  test.each([
    '',
    '* * * *',
    '* * * * * *',
    '61 * * * *',
    '0 25 * * *',
    '0 0 L * *',
    '@daily',
    '0 0 * * MON#1',
    'x 0 * * *',
    '0 0 0 * *',
    '0 3 30 2 *',
  ])('%j is refused in words', (cron) => {
    expect(() => calendarsOf({ cron })).toThrow(ScheduleError);
  });

  test('the day of the month and of the week together are refused: crons do not agree on what that means', () => {
    expect(() => calendarsOf({ cron: '30 3 1 * 1' })).toThrow(/not both/);
  });
});

describe('what one would not expect', () => {
  const codes = (choice: ScheduleChoice, timeZone: string) => warningsOf({ choice, timeZone }, from);

  test('a day that some months lack', () => {
    expect(codes({ every: 'month', on: 31, at: '03:30' }, 'UTC')).toEqual([
      {
        code: 'missing_day',
        detail:
          'There is no day 31 in February, April, June, September, November: no sync runs then. Choose the last day of the month instead.',
      },
    ]);
    expect(codes({ every: 'month', on: 30, at: '03:30' }, 'UTC')[0]?.detail).toContain('in February:');
    expect(codes({ every: 'month', on: 28, at: '03:30' }, 'UTC')).toEqual([]);
    const leap = codes({ cron: '0 3 29 2 *' }, 'UTC');
    expect(leap.map(({ code }) => code)).toEqual(['missing_day', 'never_runs']);
    expect(leap[0]?.detail).toContain('in February, but in leap years:');
  });

  test('a time that the clock jumps over is skipped, and one that comes twice runs twice', () => {
    const jump = { choice: { every: 'night', at: '02:30' } as const, timeZone: 'America/New_York' };
    expect(warningsOf(jump, from)).toEqual([
      {
        code: 'clock_forward',
        detail: 'On 2027-03-14 the clock of America/New_York jumps over the time of this schedule: no sync runs then.',
      },
    ]);
    const around = nextRuns(jump, new Date('2027-03-13T12:00:00Z'), 1).map((run) => run.toISOString());
    expect(around).toEqual(['2027-03-15T06:30:00.000Z']);
    const twice = { choice: { every: 'night', at: '01:30' } as const, timeZone: 'America/New_York' };
    expect(warningsOf(twice, from).map(({ code }) => code)).toEqual(['clock_back']);
    expect(nextRuns(twice, new Date('2027-11-07T00:00:00Z'), 2).map((run) => run.toISOString())).toEqual([
      '2027-11-07T05:30:00.000Z',
      '2027-11-07T06:30:00.000Z',
    ]);
    // The preset is at no such time in the time zones where most customers are.
    for (const timeZone of ['UTC', 'America/New_York', 'America/Los_Angeles', 'Europe/Berlin', 'Australia/Sydney'])
      expect(warningsOf(defaultSchedule('everyNight', timeZone), from), timeZone).toEqual([]);
  });

  test('nobody is warned of an hour more or less of one that runs every hour', () => {
    expect(codes({ cron: '0 * * * *' }, 'America/New_York')).toEqual([]);
  });
});

test('a time zone is an IANA name', () => {
  expect(['Europe/Berlin', 'UTC', 'America/Argentina/Buenos_Aires'].every(isTimeZone)).toBe(true);
  expect(['Nowhere/Land', '', 'berlin', '+02:00 '].some(isTimeZone)).toBe(false);
});

test('a revision is of what Temporal is told, and of nothing else', () => {
  const schedule = defaultSchedule('everyNight', 'UTC');
  expect(revisionOf({ ...schedule, choice: { cron: '30 3 * * *' } })).toBe(revisionOf(schedule));
  const others = [
    { ...schedule, paused: true },
    { ...schedule, timeZone: 'Europe/Berlin' },
    { ...schedule, jitterMinutes: 0 },
    { ...schedule, choice: { every: 'night' as const, at: '03:31' } },
  ];
  expect(new Set([schedule, ...others].map(revisionOf)).size).toBe(5);
});
