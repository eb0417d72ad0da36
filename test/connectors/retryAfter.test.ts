import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { retryAfter } from '../../connectors/retryAfter.ts';

describe('Retry-After', () => {
  const now = Date.parse('2026-11-24T12:00:00Z');
  const seconds = now / 1000;

  test.each([
    ['0', 0],
    ['1.5', 1_500],
    [' 7 ', 7_000],
    ['3600', 3_600_000],
    ['Tue, 24 Nov 2026 12:00:30 GMT', 30_000],
    ['Tuesday, 24-Nov-26 12:00:30 GMT', 30_000],
    ['Tue Nov 24 12:00:30 2026', 30_000],
    ['Tue, 24 Nov 2026 13:00:00 GMT', 3_600_000],
    [String(seconds + 90), 90_000],
    [String(seconds), 0],
    [String(seconds + 3_600), 3_600_000],
  ])('%j is believed', (header, ms) => {
    expect(retryAfter(header, now)).toBe(ms);
  });

  test.each([
    [null],
    [''],
    ['-5'],
    ['3601'],
    ['86400'],
    // Milliseconds, days, and a time of the past.
    ['60000'],
    [String(now + 30_000)],
    [String(seconds - 1)],
    [String(seconds + 3_601)],
    ['99999999999999'],
    ['Tue, 24 Nov 2026 11:59:59 GMT'],
    ['Tue, 24 Nov 2026 13:00:01 GMT'],
    ['Tue, 24 Nov 2099 11:00:00 GMT'],
    ['Tue, 99 Nov 2026 12:00:30 GMT'],
    ['2026-11-24T12:00:30Z'],
    ['soon'],
    ['soon 5'],
    ['5 s'],
    ['PT5S'],
    ['+5'],
    ['1e3'],
    ['0x10'],
    ['Infinity'],
    ['NaN'],
    ['7, 7'],
  ])('%j is not', (header) => {
    expect(retryAfter(header, now)).toBeUndefined();
  });

  test('whatever it says, nobody is stopped for more than an hour, nor sent back in time', () => {
    const numbers = fc.oneof(
      fc.integer(),
      fc.double(),
      fc.bigInt(),
      fc.integer({ min: seconds - 9_000, max: seconds + 9_000 }),
    );
    const dates = fc.date({ noInvalidDate: true }).map((date) => date.toUTCString());
    fc.assert(
      fc.property(fc.oneof(numbers.map(String), dates, fc.string()), (header) => {
        const ms = retryAfter(header, now);
        if (ms === undefined) return;
        expect(ms).toBeGreaterThanOrEqual(0);
        expect(ms).toBeLessThanOrEqual(3_600_000);
      }),
    );
  });

  test('a whole number of seconds up to an hour is that number, and a time up to an hour ahead is the time until then', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3_600 }), (ahead) => {
        expect(retryAfter(String(ahead), now)).toBe(ahead * 1000);
        expect(retryAfter(String(seconds + ahead), now)).toBe(ahead * 1000);
        expect(retryAfter(new Date(now + ahead * 1000).toUTCString(), now)).toBe(ahead * 1000);
      }),
    );
  });
});
