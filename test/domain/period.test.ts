import { expect, test } from 'vitest';
import { periodOf } from '../../domain/period.ts';

const now = new Date('2026-11-30T23:30:00Z');
const shown = (given: Parameters<typeof periodOf>[0]) => {
  const period = periodOf(given, now);
  return period && [period.from, period.to, period.begins.toISOString(), period.ends.toISOString()];
};

test('without days it is the month that it is now on the clock of the zone', () => {
  expect(shown({ timeZone: 'UTC' })).toEqual([
    '2026-11-01',
    '2026-11-30',
    '2026-11-01T00:00:00.000Z',
    '2026-12-01T00:00:00.000Z',
  ]);
  expect(shown({ timeZone: 'Europe/Berlin' })).toEqual([
    '2026-12-01',
    '2026-12-31',
    '2026-11-30T23:00:00.000Z',
    '2026-12-31T23:00:00.000Z',
  ]);
});

test('one day gives its month, and both may be any days', () => {
  expect(shown({ from: '2026-02-10', timeZone: 'UTC' })?.slice(0, 2)).toEqual(['2026-02-10', '2026-02-28']);
  expect(shown({ to: '2028-02-10', timeZone: 'UTC' })?.slice(0, 2)).toEqual(['2028-02-01', '2028-02-10']);
  expect(shown({ from: '2026-02-10', to: '2026-02-10', timeZone: 'UTC' })).toEqual([
    '2026-02-10',
    '2026-02-10',
    '2026-02-10T00:00:00.000Z',
    '2026-02-11T00:00:00.000Z',
  ]);
  expect(shown({ from: '2026-02-10', to: '2026-02-09', timeZone: 'UTC' })).toBeUndefined();
});

test('a day has as many hours as the clock of the zone gives it', () => {
  const [, , begins = '', ends = ''] =
    shown({ from: '2026-03-08', to: '2026-03-08', timeZone: 'America/New_York' }) ?? [];
  expect((Date.parse(ends) - Date.parse(begins)) / 3_600_000).toBe(23);
});
