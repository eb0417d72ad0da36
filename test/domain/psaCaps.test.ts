/** What a card says and refuses because of what its PSA can do. */
import { describe, expect, test } from 'vitest';
import { notWritableReasons, notWritableWords, type PsaCaps } from '../../domain/psaCaps.ts';
import { agreement, cardOf, count, line, mapping, reasonsOf, ruled } from './reconcile/example.ts';

const differences: PsaCaps = {
  decimals: 0,
  takesEffect: 'dated',
  writes: 'difference',
  proration: 'always',
  searchesReference: false,
  zero: 'may_be_refused',
  agreementsPerList: 50,
};
const of = (caps: Partial<PsaCaps> = {}) => ({ caps: { ...differences, ...caps }, quantityDecimals: 0 });
const half = { usage: [count({ quantity: 2.5 })] };

describe('a PSA of whole numbers', () => {
  test('a fraction is flagged, kept as it is, and not approvable', () => {
    const card = cardOf({ ...of(), ...half });
    expect(card).toMatchObject({ target: 2.5, approvable: false, bulkApprovable: false });
    expect(reasonsOf(card)).toContain('not_writable: needs_whole_number');
    expect(card.flags[0]?.words).toContain('2.5');
  });

  test('a mapping that rounds makes it a whole number', () => {
    const card = cardOf({ ...of(), ...half, mappings: [mapping({ rounding: 'up' })] });
    expect(card).toMatchObject({ target: 3, approvable: true, flags: [] });
  });

  test('a rule with a fraction is flagged too', () => {
    expect(reasonsOf(cardOf({ ...of(), ...ruled({ offset: 0.5 }) }))).toContain('not_writable: needs_whole_number');
  });

  test('a PSA with decimals rounds as it does, also where the setting of a connection says 0', () => {
    expect(cardOf({ ...of({ decimals: 2 }), ...half })).toMatchObject({ target: 3, approvable: true });
    expect(cardOf({ quantityDecimals: 0, ...half })).toMatchObject({ target: 3, approvable: true });
  });
});

describe('a PSA whose writes have a day', () => {
  test('the preview says from when, and what becomes of proration', () => {
    const { preview, approvable } = cardOf(of());
    expect(approvable).toBe(true);
    expect(preview.join(' ')).toContain('First billed on 2026-12-01');
    expect(preview.join(' ')).toContain('nothing is prorated');
    expect(cardOf({ ...of({ takesEffect: 'at_once' }) }).preview.join(' ')).not.toContain('prorate');
  });

  test.each([
    ['there is no next invoice date', null],
    ['it has passed', '2026-11-01'],
  ])('nothing is written where %s', (_when, nextInvoiceDate) => {
    const agreements = [agreement({ nextInvoiceDate })];
    const card = cardOf({ ...of(), agreements });
    expect(reasonsOf(card)).toContain('not_writable: no_effective_date');
    expect(card.approvable).toBe(false);
    // A write that is in force at once needs no day.
    expect(cardOf({ ...of({ takesEffect: 'at_once' }), agreements }).approvable).toBe(true);
  });
});

test('a line that may be refused at 0 is approved by a person who has read so, and never in bulk', () => {
  const none = { usage: [count({ quantity: 0 })] };
  const card = cardOf({ ...of(), ...none });
  expect(card).toMatchObject({ target: 0, approvable: true, bulkApprovable: false });
  expect(reasonsOf(card)).toEqual(['check_first: zero']);
  expect(cardOf({ ...of({ zero: 'taken' }), ...none }).bulkApprovable).toBe(true);
});

test('where the setting leaves a line of 0 to a person, the card says that it makes a to-do', () => {
  const none = { usage: [count({ quantity: 0 })], zero: 'todo' as const };
  const { approvable, flags, preview } = cardOf({ ...of(), ...none });
  expect({ approvable, flags }).toEqual({ approvable: true, flags: [] });
  expect(preview.join(' ')).toContain('Makes a to-do: end the line');
  expect(cardOf({ ...of(), zero: 'todo' }).preview.join(' ')).not.toContain('to-do');
});

test.each(notWritableReasons)('a line that is not writable (%s) says so and is not approvable', (notWritable) => {
  const card = cardOf({ lines: [line({ notWritable })] });
  expect(card).toMatchObject({ kind: 'reconcile', approvable: false, bulkApprovable: false, lines: [{ notWritable }] });
  expect(card.flags).toContainEqual({
    code: 'not_writable',
    reason: notWritable,
    words: notWritableWords[notWritable],
  });
});
