import { describe, expect, test } from 'vitest';
import { credentialsHealth, healthState, staleAfterMs, waitOf, warnDays } from '../../domain/health.ts';
import { sayStep } from '../../domain/process/statement.ts';
import { stepsOf, type ProcessKind } from '../../domain/process/steps.ts';
import { defaultSchedule } from '../../domain/schedule.ts';

const now = new Date('2026-11-25T12:00:00Z');
const dayMs = 86_400_000;
const daysAgo = (days: number) => new Date(now.getTime() - days * dayMs);

describe('credentials', () => {
  const warning = (givenDaysAgo: number, expireOn: string | null) =>
    credentialsHealth({ of: 'vendor', givenAt: daysAgo(givenDaysAgo), expireOn }, now, 365).warning;

  test('that end soon are warned of, those that ended are said to have ended', () => {
    expect(warning(1, '2027-06-01')).toBeNull();
    expect(warning(1, '2026-12-05')).toContain('in 10 days');
    expect(warning(1, '2026-11-26')).toContain('in 1 day.');
    expect(warning(1, '2026-11-25')).toContain('ended on 2026-11-25');
    expect(warnDays).toBe(30);
  });

  test('of which nobody said when they end are warned of when they are old', () => {
    expect(warning(365, null)).toBeNull();
    expect(warning(366, null)).toContain('366 days old');
    expect(warning(1_000, '2028-01-01')).toBeNull();
  });
});

describe('what waits for whom', () => {
  const wait = (step: string, code?: string) =>
    waitOf(
      'w',
      step,
      sayStep(
        code === undefined ? { step, state: 'waiting' } : { step, state: 'blocked', problem: code },
        undefined,
        1,
      ),
    );

  test('a step says whom it waits for', () => {
    expect(wait('mapAccounts').for).toBe('person');
    expect(wait('counts').for).toBe('vendor');
    expect(wait('freshPsa').for).toBe('psa');
    expect(wait('apply').for).toBe('countersign');
  });

  test('a problem says who can do something about it', () => {
    expect(wait('pullVendor', 'bad_credentials').for).toBe('person');
    expect(wait('pullVendor', 'unreachable').for).toBe('vendor');
    expect(wait('pullPsa', 'unreachable').for).toBe('psa');
    expect(wait('apply', 'unexpected').for).toBe('countersign');
    expect(wait('pullVendor', 'bad_credentials').what).toContain('Give new credentials');
  });

  test('the words of every step say a person, a vendor or a PSA where it is one that is waited for', () => {
    const wrong = (Object.keys(stepsOf) as ProcessKind[]).flatMap((kind) =>
      stepsOf[kind].flatMap((step) => {
        const { for: who, what } = wait(step);
        const said = /: waits for (a person|the vendor|the PSA to answer|the database)/.exec(what)?.[1];
        const whom = {
          'a person': 'person',
          'the vendor': 'vendor',
          'the PSA to answer': 'psa',
          'the database': 'countersign',
        };
        return said === undefined || whom[said as keyof typeof whom] === who ? [] : [`${step}: ${what}`];
      }),
    );
    expect(wrong).toEqual([]);
  });
});

describe('how old data may be', () => {
  const stale = (choice: Parameters<typeof staleAfterMs>[0]['choice'], paused = false) =>
    staleAfterMs({ ...defaultSchedule('everyNight', 'UTC'), choice, paused }, now);

  test('half again the longest pause of its schedule, and no limit where it does not sync by itself', () => {
    expect(stale({ every: 'night', at: '03:30' })).toBe(1.5 * dayMs + 3_600_000);
    expect(stale({ every: 'month', on: 1, at: '03:30' })).toBe(1.5 * 31 * dayMs + 3_600_000);
    expect(stale({ every: 'never' })).toBeUndefined();
    expect(stale({ every: 'night', at: '03:30' }, true)).toBeUndefined();
  });
});

test('failing is what is stuck or stale; attention is what a person has to do; else it is healthy', () => {
  const fine = {
    connected: true,
    waits: [],
    stale: false,
    heldRuns: 0,
    heldRefreshes: 0,
    linesUncertain: 0,
    customersWaiting: 0,
    alertsDead: 0,
    refusedPosts: 0,
    warnings: [],
  };
  const wait = (who: 'person' | 'vendor', code?: string) => ({
    for: who,
    what: '',
    workflowId: 'w',
    ...(code ? { code } : {}),
  });
  expect(healthState(fine)).toBe('healthy');
  expect(healthState({ ...fine, waits: [wait('vendor')] })).toBe('healthy');
  expect(healthState({ ...fine, stale: true })).toBe('failing');
  expect(healthState({ ...fine, waits: [wait('person', 'bad_credentials')] })).toBe('failing');
  expect(healthState({ ...fine, waits: [wait('person', 'not_mapped')] })).toBe('attention');
  expect(healthState({ ...fine, waits: [wait('person')] })).toBe('attention');
  for (const more of [
    { heldRuns: 1 },
    { heldRefreshes: 1 },
    { linesUncertain: 1 },
    { customersWaiting: 1 },
    { alertsDead: 1 },
    { refusedPosts: 1 },
    { warnings: ['x'] },
    { connected: false },
  ])
    expect(healthState({ ...fine, ...more })).toBe('attention');
});
