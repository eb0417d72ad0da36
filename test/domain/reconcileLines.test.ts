/** Which lines a card compares with, which of them takes the difference, and at which decimals. */
import { describe, expect, test } from 'vitest';
import { agreement, cardOf, count, line, product, reasonsOf, ruled } from './reconcile/example.ts';

describe('lines are read as of D, the next invoice date', () => {
  test.each([
    ['ended before D', { effectiveTo: '2026-11-30' }, 'ended'],
    ['ending on D: the end is no longer billed', { effectiveTo: '2026-12-01' }, 'ended'],
    ['beginning after D', { effectiveFrom: '2026-12-02' }, 'not_started'],
    ['itself cancelled', { status: 'cancelled' as const }, 'line_not_active'],
  ])('a line %s is left out, and never written', (_how, over, reason) => {
    const card = cardOf({ lines: [line(over)] });
    expect(card).toMatchObject({ kind: 'new_revenue', write: null, approvable: false, leftOut: [{ reason }] });
  });

  test('a line that ends with this period is not written; its successor is', () => {
    const lines = [
      line({ id: 'old', quantity: 10, effectiveTo: '2026-12-01' }),
      line({ id: 'new', quantity: 11, effectiveFrom: '2026-12-01' }),
    ];
    const card = cardOf({ lines });
    expect(card).toMatchObject({ current: 11, write: { line: { lineId: 'new' }, newQuantity: 12 } });
  });

  test('a line that ends after D is billed once more, and is written by a person who has read that it ends', () => {
    const card = cardOf({ lines: [line({ effectiveTo: '2026-12-02' })] });
    expect(card).toMatchObject({ write: { newQuantity: 12 }, approvable: true, bulkApprovable: false });
    expect(reasonsOf(card)).toEqual(['check_first: ends_in_period']);
    expect(card.preview).toContain('This line ends on 2026-12-02.');
    // On the first day of the next period it has been billed as a whole.
    expect(cardOf({ lines: [line({ effectiveTo: '2027-01-01' })] }).bulkApprovable).toBe(true);
  });

  test('without a next invoice date today stands in, and the preview says that the day is not known', () => {
    const card = cardOf({ agreements: [agreement({ nextInvoiceDate: null })] });
    expect(card.lines[0]).toMatchObject({ asOf: '2026-11-24', asOfKnown: false });
    expect(card.preview.join(' ')).toContain('not known when this is first billed');
  });

  test.each([
    ['a prospect', { account: { active: true, prospect: true } }, 'prospect'],
    ['an inactive company', { account: { active: false, prospect: false } }, 'account_inactive'],
    ['a cancelled agreement', { agreements: [agreement({ status: 'cancelled' })] }, 'agreement_cancelled'],
    ['an expired agreement', { agreements: [agreement({ status: 'expired' })] }, 'agreement_expired'],
    ['an inactive agreement', { agreements: [agreement({ status: 'inactive' })] }, 'agreement_inactive'],
    ['an agreement that ends before D', { agreements: [agreement({ endDate: '2026-11-30' })] }, 'agreement_ended'],
    ['billing cycle None', { agreements: [agreement({ neverBilled: true })] }, 'never_billed'],
  ])('the line of %s is left out, with the reason', (_what, over, reason) => {
    expect(cardOf(over)).toMatchObject({
      current: 0,
      write: null,
      leftOut: [{ lineId: 'line-1', quantity: 10, reason }],
    });
  });
});

describe('a line with a successor', () => {
  const old = (over: object = {}) => line({ id: 'old', quantity: 4, effectiveTo: '2026-12-15', ...over });
  const next = (over: object = {}) => line({ id: 'new', quantity: 7, effectiveFrom: '2026-12-15', ...over });
  const used = (quantity: number) => ({ usage: [count({ quantity })] });

  test('D = 12-01, 4 until 12-15, 7 from then, 7 used: nothing to do, and nothing written to the old one', () => {
    const card = cardOf({ ...used(7), lines: [old(), next()] });
    expect(card).toMatchObject({
      kind: 'no_change',
      current: 7,
      write: null,
      flags: [],
      lines: [{ lineId: 'new', effectiveFrom: '2026-12-15', succeeds: [{ lineId: 'old', quantity: 4 }] }],
      leftOut: [{ lineId: 'old', reason: 'succeeded', effectiveTo: '2026-12-15' }],
    });
  });

  test('a difference goes to the successor, and the preview says from when and what stays', () => {
    const card = cardOf({ ...used(9), lines: [old(), next()] });
    expect(card).toMatchObject({
      write: { line: { lineId: 'new', quantity: 7 }, newQuantity: 9 },
      bulkApprovable: true,
    });
    expect(card.money).toEqual([{ currency: 'USD', amount: 4, notBilled: false }]);
    expect(card.preview).toEqual([
      'Sets the quantity on "Managed Services" from 7 to 9.',
      'It follows the line of 4 that ends on 2026-12-15, which stays as it is.',
      'First billed on 2026-12-01, for the days from 2026-12-15 on.',
      'Nothing is billed or credited for periods already invoiced.',
    ]);
  });

  test('the successor has its own price', () => {
    const card = cardOf({ ...used(9), lines: [old(), next({ unitPrice: 3 })] });
    expect(card.money[0]?.amount).toBe(6);
  });

  test.each(['2026-09-20', '2026-10-01', '2026-10-15', '2026-11-24'])(
    'D is behind (2026-09-01), 19 until 10-15, 22 from then, 22 used, today %s: the line that is over is never written',
    (today) => {
      const agreements = [agreement({ nextInvoiceDate: '2026-09-01' })];
      const lines = [
        old({ quantity: 19, effectiveTo: '2026-10-15' }),
        next({ quantity: 22, effectiveFrom: '2026-10-15' }),
      ];
      const card = cardOf({ ...used(22), today, agreements, lines });
      expect(card.bulkApprovable).toBe(false);
      expect(card.flags.map((flag) => flag.reason)).toContain('next_invoice_passed');
      expect(card.flags[0]?.words).toContain('2026-09-01');
      // In September the period of October is not under way yet.
      if (today !== '2026-09-20') expect(card).toMatchObject({ kind: 'no_change', current: 22, write: null });
      if (today >= '2026-10-15') expect(card.leftOut).toMatchObject([{ lineId: 'old', reason: 'ended' }]);
    },
  );

  test('a D in the past is said, and never approved in bulk', () => {
    const card = cardOf({ agreements: [agreement({ nextInvoiceDate: '2026-11-01' })] });
    expect(card).toMatchObject({ approvable: true, bulkApprovable: false, lines: [{ asOf: '2026-11-01' }] });
    expect(card.explanation.linesAsOf).toEqual(['2026-11-24']);
    expect(reasonsOf(card)).toEqual(['check_first: next_invoice_passed']);
    expect(card.preview.join(' ')).toContain('next invoice date 2026-11-01 has passed');
    expect(cardOf({ agreements: [agreement({ nextInvoiceDate: '2026-11-24' })] }).bulkApprovable).toBe(true);
  });

  test('a line that has ended by today is never written, though the next invoice would bill it', () => {
    const agreements = [agreement({ nextInvoiceDate: '2026-11-01' })];
    const card = cardOf({ agreements, lines: [line({ effectiveTo: '2026-11-24' })] });
    expect(card).toMatchObject({ write: null, approvable: false, leftOut: [{ reason: 'ended' }] });
    expect(card.flags.map((flag) => flag.words).join(' ')).toMatch(/line ended on 2026-11-24.*2026-11-01, has passed/);
  });

  test('a chain: only its last line counts', () => {
    const middle = line({ id: 'middle', quantity: 6, effectiveFrom: '2026-12-10', effectiveTo: '2026-12-15' });
    const card = cardOf({ ...used(7), lines: [old({ effectiveTo: '2026-12-10' }), middle, next()] });
    expect(card).toMatchObject({ kind: 'no_change', current: 7, flags: [] });
    expect(card.leftOut.map((each) => [each.lineId, each.reason])).toEqual([
      ['old', 'succeeded'],
      ['middle', 'succeeded'],
    ]);
  });

  test.each([
    ['days without a line between them', { effectiveFrom: '2026-12-20' }, 'successor_gap'],
    ['both for some days', { effectiveFrom: '2026-12-10' }, 'successor_overlap'],
  ])('%s: the successor counts, and a person looks first', (_how, over, reason) => {
    const card = cardOf({ ...used(9), lines: [old(), next(over)] });
    expect(card).toMatchObject({ write: { line: { lineId: 'new' }, newQuantity: 9 }, bulkApprovable: false });
    expect(reasonsOf(card)).toEqual([`check_first: ${reason}`]);
  });

  test('a line ended before D, and its successor begins after it: usage is no new revenue', () => {
    const card = cardOf({
      ...used(7),
      lines: [old({ effectiveTo: '2026-11-30' }), next({ effectiveFrom: '2026-12-03' })],
    });
    expect(card).toMatchObject({ kind: 'no_change', current: 7, bulkApprovable: false });
    expect(reasonsOf(card)).toEqual(['check_first: successor_gap']);
  });

  test('two lines that follow one: a person says which takes the difference', () => {
    const lines = [old(), next({ quantity: 3 }), next({ id: 'other', quantity: 4 })];
    expect(cardOf({ ...used(7), lines }).kind).toBe('no_change');
    expect(reasonsOf(cardOf({ ...used(9), lines }))).toEqual(['needs_choice: several_lines']);
  });

  test.each([
    ['on another agreement', { agreementId: 'second' }],
    ['of another product', { productId: 'FIREWALL' }],
    ['that is cancelled', { status: 'cancelled' as const }],
    ['that is cancelled before it begins', { effectiveTo: '2026-12-15' }],
    ['that is a credit', { quantity: -7 }],
    ['that begins after the period', { effectiveFrom: '2027-01-01' }],
  ])('a line %s is no successor, and the one that ends is not approved in bulk', (_what, over) => {
    const agreements = [agreement(), agreement({ id: 'second' })];
    const card = cardOf({ ...used(9), agreements, lines: [old(), next(over)] });
    expect(card.lines.map((each) => each.lineId)).toEqual(['old']);
    expect(card.bulkApprovable).toBe(false);
    expect(reasonsOf(card)).toContain('check_first: ends_in_period');
  });

  test('a line that begins in the period beside one that goes on is left out of the sum, and said', () => {
    const card = cardOf({ ...used(15), lines: [line({ quantity: 10 }), next({ quantity: 5 })] });
    expect(card).toMatchObject({ current: 10, bulkApprovable: false });
    expect(reasonsOf(card)).toEqual(['check_first: begins_in_period']);
  });

  test('an agreement that ends within the period is said', () => {
    const card = cardOf({ agreements: [agreement({ endDate: '2026-12-14' })] });
    expect(reasonsOf(card)).toEqual(['check_first: ends_in_period']);
    // The last day of the period is its end: it is billed as a whole.
    expect(cardOf({ agreements: [agreement({ endDate: '2026-12-31' })] }).flags).toEqual([]);
  });

  test.each([
    ['Quarterly', '2027-02-15', true],
    ['Quarterly', '2027-03-01', false],
    ['Annually', '2027-11-30', true],
    ['Semi-Annual', '2027-05-31', true],
    ['Weekly', '2026-12-07', true],
    ['Weekly', '2026-12-08', false],
  ])('the period of a cycle %s holds %s: %s', (billingCycle, on, within) => {
    const agreements = [agreement({ billingCycle, monthly: false })];
    const card = cardOf({ agreements, lines: [old({ effectiveTo: on }), next({ effectiveFrom: on })] });
    expect(card.lines.map((each) => each.lineId)).toEqual([within ? 'new' : 'old']);
  });

  test('a cycle nobody knows is taken for a month; that is said, and asked, if a line begins or ends within a year', () => {
    const agreements = [agreement({ billingCycle: 'Bi-Monthly', monthly: false })];
    const decisions = ruled({ lineMode: 'follow' as const });
    expect(cardOf({ agreements, ...decisions }).bulkApprovable).toBe(true);
    const lines = [old({ effectiveTo: '2027-01-15' }), next({ effectiveFrom: '2027-01-15' })];
    const card = cardOf({ agreements, ...decisions, lines });
    expect(card).toMatchObject({ write: { line: { lineId: 'old' } }, bulkApprovable: false });
    expect(card.flags[0]?.words).toMatch(/Bi-Monthly.*assumes a month/);
  });

  test('without a next invoice date the period is not known: a line that ends soon makes the card unsure', () => {
    const agreements = [agreement({ nextInvoiceDate: null })];
    expect(cardOf({ agreements }).bulkApprovable).toBe(true);
    expect(reasonsOf(cardOf({ agreements, lines: [old(), next()] }))).toEqual(['check_first: period_unknown']);
  });
});

describe('the decimals that the PSA keeps', () => {
  const usage = [count({ quantity: 31.3457 })];

  test('a target is rounded half up before it is shown', () => {
    const card = cardOf({ usage, quantityDecimals: 2 });
    expect(card).toMatchObject({ usage: 31.3457, target: 31.35, difference: 21.35, write: { newQuantity: 31.35 } });
    expect(cardOf({ usage: [count({ quantity: 1.005 })], quantityDecimals: 2 }).target).toBe(1.01);
    expect(cardOf({ usage: [count({ quantity: 8.5 })], quantityDecimals: 0 }).target).toBe(9);
  });

  test('31.3457 used and 31.35 kept is no difference', () => {
    const lines = [line({ quantity: 31.35 })];
    expect(cardOf({ usage, lines, quantityDecimals: 2 })).toMatchObject({ kind: 'no_change', difference: 0 });
    expect(cardOf({ usage, lines, quantityDecimals: 4 }).kind).toBe('reconcile');
    // Nor is it one where the setting says fewer decimals than the PSA really keeps.
    expect(cardOf({ usage, lines: [line({ quantity: 31.3457 })], quantityDecimals: 2 }).kind).toBe('no_change');
  });

  test('a rule is rounded with its target', () => {
    expect(cardOf({ ...ruled({ minimum: 20.125 }), quantityDecimals: 2 }).target).toBe(20.13);
  });

  test('of several lines the picked one takes what is left of the target at those decimals', () => {
    const card = cardOf({
      usage: [count({ quantity: 16 })],
      lines: [line({ quantity: 5.335 }), line({ id: 'line-2', quantity: 5 })],
      decisions: { [product]: { lineId: 'line-2' } },
      quantityDecimals: 2,
    });
    expect(card).toMatchObject({ current: 10.34, write: { newQuantity: 10.66 } });
  });
});

describe('credits are no seats', () => {
  const usage = [count({ quantity: 3 })];
  const credits = [
    ['a quantity below 0', { quantity: -5 }],
    ['a price below 0', { quantity: 14, unitPrice: -0.5 }],
    ['one back at a price below 0', { quantity: 1, unitPrice: -20 }],
  ] as const;

  test.each(credits)('%s alone: only credits, no new revenue, nothing to write', (_what, over) => {
    const card = cardOf({ usage, lines: [line(over)] });
    expect(card).toMatchObject({
      kind: 'only_credits',
      current: 0,
      write: null,
      money: [],
      approvable: false,
      bulkApprovable: false,
      lines: [],
      leftOut: [{ lineId: 'line-1', reason: 'credit', unitPrice: 2, ...over }],
    });
    expect(reasonsOf(card)).toEqual(['not_writable: only_credits']);
    expect(card.flags[0]?.words).not.toMatch(/add it to an agreement/);
  });

  test.each(credits)('%s beside a line of seats: left out of the sum, named, never written', (_what, over) => {
    const lines = [line({ id: 'credit', ...over }), line({ id: 'seats', quantity: 16 })];
    const card = cardOf({ lines, decisions: { [product]: { lineId: 'credit' } } });
    expect(card).toMatchObject({
      current: 16,
      write: { line: { lineId: 'seats' }, newQuantity: 12 },
      approvable: true,
      bulkApprovable: false,
      leftOut: [{ lineId: 'credit', reason: 'credit' }],
    });
    expect(card.flags[0]).toMatchObject({ code: 'check_first', reason: 'credit' });
    expect(card.flags[0]?.words).toContain(`${lines[0]?.quantity} at ${lines[0]?.unitPrice} USD`);
  });

  test('16 at 2.00 with 14 at -0.50, 16 used: nothing to do, and the discount is named', () => {
    const lines = [line({ quantity: 16 }), line({ id: 'discount', quantity: 14, unitPrice: -0.5 })];
    const card = cardOf({ usage: [count({ quantity: 16 })], lines });
    expect(card).toMatchObject({ kind: 'no_change', current: 16 });
    expect(reasonsOf(card)).toEqual(['check_first: credit']);
  });

  test('only credits for what nobody uses has a card too, and it is not money found', () => {
    expect(cardOf({ usage: [], lines: [line({ quantity: -5 })] })).toMatchObject({ kind: 'only_credits', money: [] });
    expect(cardOf({ usage: [count({ quantity: 0 })], lines: [line({ quantity: -5 })] }).kind).toBe('only_credits');
  });

  test('a credit that is over, or of an agreement that is not active, is nothing to look at', () => {
    const seats = line({ id: 'seats' });
    expect(cardOf({ lines: [seats, line({ quantity: -5, effectiveTo: '2026-11-01' })] }).flags).toEqual([]);
    const agreements = [agreement(), agreement({ id: 'old', status: 'cancelled' })];
    expect(cardOf({ agreements, lines: [seats, line({ quantity: -5, agreementId: 'old' })] }).flags).toEqual([]);
  });
});

describe('lines of agreements that are not active', () => {
  test.each([
    ['expired', 'its agreement "Managed Services" expired on 2026-08-31'],
    ['cancelled', 'its agreement "Managed Services" is cancelled (its end date is 2026-08-31)'],
    ['inactive', 'its agreement "Managed Services" is not active (its end date is 2026-08-31)'],
    ['active', 'its agreement "Managed Services" ended on 2026-08-31'],
  ] as const)('%s: the card says so, and does not ask for a second line', (status, words) => {
    const card = cardOf({ agreements: [agreement({ status, endDate: '2026-08-31' })] });
    expect(card).toMatchObject({ kind: 'new_revenue', approvable: false, leftOut: [{ words }] });
    expect(card.flags[0]?.words).toContain(words);
    expect(card.flags[0]?.words).not.toMatch(/add it to an agreement/);
  });

  test('of several, the one that was billed last is named', () => {
    const agreements = [
      agreement({ id: 'older', name: 'Mail 2024', status: 'expired', endDate: '2024-12-31' }),
      agreement({ id: 'newer', name: 'Mail 2025', status: 'expired', endDate: '2025-12-31' }),
    ];
    const lines = [line({ agreementId: 'newer' }), line({ id: 'line-2', agreementId: 'older' })];
    expect(cardOf({ agreements, lines }).flags[0]?.words).toContain('"Mail 2025" expired on 2025-12-31');
  });
});

describe('several active lines', () => {
  const lines = [line({ quantity: 6 }), line({ id: 'line-2', quantity: 4 })];

  test('a person picks the line; until then nothing is approvable, in bulk or alone', () => {
    const card = cardOf({ lines });
    expect(card).toMatchObject({ current: 10, difference: 2, write: null, approvable: false, bulkApprovable: false });
    expect(reasonsOf(card)).toEqual(['needs_choice: several_lines']);
  });

  test('the picked line takes the whole difference, the others stay', () => {
    const card = cardOf({ lines, decisions: { [product]: { lineId: 'line-2' } } });
    expect(card).toMatchObject({ write: { line: { lineId: 'line-2' }, newQuantity: 6 }, bulkApprovable: true });
  });

  test('the pick is forgotten when its line has ended: one line left needs no pick, two need a new one', () => {
    const decisions = { [product]: { lineId: 'gone' } };
    const gone = line({ id: 'gone', effectiveTo: '2026-11-30' });
    expect(cardOf({ lines: [...lines, gone], decisions }).write).toBeNull();
    expect(cardOf({ lines: [line(), gone], decisions }).write).toMatchObject({ line: { lineId: 'line-1' } });
  });

  test('never below 0: a pick that cannot take the difference is asked again', () => {
    const card = cardOf({ lines, usage: [count({ quantity: 5 })], decisions: { [product]: { lineId: 'line-2' } } });
    expect(card).toMatchObject({ write: null, approvable: false });
    expect(reasonsOf(card)).toEqual(['needs_choice: below_zero']);
  });
});
