/** The rules of reconciliation one by one, as a biller would check them. */
import { describe, expect, test } from 'vitest';
import { reconcileAccount, type AccountRule } from '../../domain/reconcile.ts';
import { agreement, cardOf, count, customer, line, mapping, product, reasonsOf } from './reconcile/example.ts';

const agreed = (rule: Partial<AccountRule>): AccountRule => ({ reason: 'agreed', author: 'Pat', ...rule });
const ruled = (rule: Partial<AccountRule>) => ({ decisions: { [product]: { rule: agreed(rule) } } });

describe('what a card says', () => {
  test('more used than billed: the line is set to what is used', () => {
    const card = cardOf();
    expect(card).toMatchObject({ kind: 'reconcile', usage: 12, current: 10, difference: 2, bulkApprovable: true });
    expect(card.write).toMatchObject({ newQuantity: 12, line: { lineId: 'line-1', quantity: 10 } });
  });

  test('billed what is used: nothing to do', () => {
    expect(cardOf({ lines: [line({ quantity: 12 })] })).toMatchObject({ kind: 'no_change', write: null, money: [] });
  });

  test('a difference smaller than a ten-thousandth is none', () => {
    expect(cardOf({ usage: [count({ quantity: 0.3 })], lines: [line({ quantity: 0.1 + 0.2 })] }).kind).toBe(
      'no_change',
    );
  });

  test('used but on no agreement: new revenue, with what to do in the PSA, and nothing to approve', () => {
    const card = cardOf({ lines: [] });
    expect(card).toMatchObject({ kind: 'new_revenue', target: 12, approvable: false, write: null });
    expect(card.flags[0]?.words).toMatch(/add it to an agreement in the PSA/);
  });

  test('used, and its only line is left out: says why, and not to add a second one', () => {
    const ended = cardOf({ lines: [line({ effectiveTo: '2026-01-01' })] });
    expect(ended).toMatchObject({ kind: 'new_revenue', approvable: false });
    expect(ended.flags[0]?.words).toMatch(
      /a line .* the line ended on 2026-01-01\. .* rather than adding a second line/,
    );
    const prospect = cardOf({ account: { active: true, prospect: true }, lines: [] });
    expect(prospect.flags[0]?.words).toMatch(/the company is a prospect/);
  });

  test('a customer down to zero is set to zero, by an approval like any other', () => {
    expect(cardOf({ usage: [count({ quantity: 0 })] })).toMatchObject({ target: 0, approvable: true });
  });

  test('a product that is mapped but neither used nor billed has no card', () => {
    expect(reconcileAccount(customer({ usage: [], lines: [] }))).toEqual([]);
  });

  test('a line of a product nobody mapped is left alone', () => {
    const cards = reconcileAccount(customer({ lines: [line(), line({ id: 'other', productId: 'FIREWALL' })] }));
    expect(cards.map((card) => card.productId)).toEqual([product]);
  });

  test('every number can be explained: its counts with their parts, the rule, the day the lines were read as of', () => {
    const parts = [{ domain: 'northwind.example', group: 'Default', groupId: '7', quantity: 12 }];
    const card = cardOf({ usage: [count({ parts })], ...ruled({ offset: 1 }) });
    expect(card.explanation).toMatchObject({
      counts: [{ runId: 'run-1', asOf: '2026-11-24T08:00:00.000Z', parts }],
      rule: { offset: 1, reason: 'agreed', author: 'Pat' },
      linesAsOf: ['2026-12-01'],
    });
  });
});

describe('numbers that are not known', () => {
  test('never reported is no zero: nothing to approve', () => {
    const card = cardOf({ usage: [count({ quantity: null })] });
    expect(card).toMatchObject({ usage: null, target: null, approvable: false, write: null });
    expect(reasonsOf(card)).toEqual(['incomplete: never_reported']);
  });

  test('never reported and on no agreement is no new revenue', () => {
    expect(cardOf({ usage: [count({ quantity: null })], lines: [] }).kind).toBe('no_change');
  });

  test('billed for what the vendor has never reported: shown, not approvable', () => {
    expect(cardOf({ usage: [] })).toMatchObject({ kind: 'reconcile', usage: null, current: 10, approvable: false });
  });

  test('a sum that lacks a part says so, and is no bulk approval', () => {
    const card = cardOf({ usage: [count(), count({ vendorAccountId: 'northwind-2', quantity: null })] });
    expect(card).toMatchObject({ usage: 12, approvable: true, bulkApprovable: false });
    expect(reasonsOf(card)).toEqual(['incomplete: part_never_reported']);
  });

  test('what is no longer reported keeps its number, says since when, and is no bulk approval', () => {
    const card = cardOf({ usage: [count({ notReportedSince: '2026-11-02T08:00:00.000Z' })] });
    expect(card).toMatchObject({ usage: 12, approvable: true, bulkApprovable: false });
    expect(card.flags[0]?.words).toContain('2026-11-02');
  });

  test('a number that swung is checked first: approvable alone, never in bulk', () => {
    const card = cardOf({ usage: [count({ swing: true })] });
    expect(card).toMatchObject({ approvable: true, bulkApprovable: false });
    expect(reasonsOf(card)).toEqual(['check_first: swing']);
  });
});

describe('several services for one product', () => {
  const mappings = [mapping(), mapping({ serviceId: 'SafeSend' }), mapping({ serviceId: 'Bracket' })];
  const part = (groupId: string, quantity: number) => ({
    domain: 'northwind.example',
    group: groupId,
    groupId,
    quantity,
  });
  const usage = [
    count({ quantity: 12, parts: [part('staff', 10), part('board', 2)] }),
    count({ serviceId: 'SafeSend', quantity: 10, parts: [part('staff', 10)] }),
    count({ serviceId: 'Bracket', quantity: 5, parts: [part('board', 2), part('guests', 3)] }),
  ];

  test('there is no default: until a person chose how they combine, nothing is approvable', () => {
    const card = cardOf({ mappings, usage });
    expect(card).toMatchObject({ usage: null, approvable: false, write: null });
    expect(reasonsOf(card)).toEqual(['needs_rule: no_combine_rule']);
  });

  test('it is asked even while the second service was never reported', () => {
    const card = cardOf({ mappings, usage: [count(), count({ serviceId: 'SafeSend', quantity: null })] });
    expect(card).toMatchObject({ usage: null, approvable: false });
  });

  test.each([
    ['add', 27],
    ['highest', 12],
    ['distinct', 15],
  ] as const)('%s gives %d', (combine, expected) => {
    expect(cardOf({ mappings, usage, combine: { [product]: combine } }).usage).toBe(expected);
  });

  test('Distinct users without the groups of every count is asked again, not guessed', () => {
    const bare = usage.map((each) => ({ ...each, parts: [] }));
    const card = cardOf({ mappings, usage: bare, combine: { [product]: 'distinct' } });
    expect(reasonsOf(card)).toEqual(['needs_rule: parts_unknown']);
    expect(card.approvable).toBe(false);
  });

  test('the same service on two vendor accounts of one customer is added up without asking', () => {
    expect(cardOf({ usage: [count(), count({ vendorAccountId: 'northwind-2', quantity: 3 })] }).usage).toBe(15);
  });
});

describe('one service for several products', () => {
  const productIds = [product, 'MP-FILTER-PRO'];

  test('Parts: each product gets the count', () => {
    const cards = reconcileAccount(customer({ mappings: [mapping({ productIds })] }));
    expect(cards.map((card) => [card.productId, card.usage])).toEqual([
      [product, 12],
      ['MP-FILTER-PRO', 12],
    ]);
  });

  test('Alternatives: the product this customer has a line for, and no other', () => {
    const mappings = [mapping({ productIds, fanOut: 'alternatives' })];
    const cards = reconcileAccount(customer({ mappings, lines: [line({ productId: 'MP-FILTER-PRO' })] }));
    expect(cards.map((card) => [card.productId, card.kind])).toEqual([['MP-FILTER-PRO', 'reconcile']]);
  });

  test('Alternatives without any line: one card of new revenue', () => {
    const cards = reconcileAccount(
      customer({ mappings: [mapping({ productIds, fanOut: 'alternatives' })], lines: [] }),
    );
    expect(cards.map((card) => [card.productId, card.kind])).toEqual([[product, 'new_revenue']]);
  });

  test('Alternatives with several lines: asked, not approvable', () => {
    const lines = [line(), line({ id: 'line-2', productId: 'MP-FILTER-PRO' })];
    const cards = reconcileAccount(customer({ mappings: [mapping({ productIds, fanOut: 'alternatives' })], lines }));
    expect(cards.map((card) => [card.approvable, ...reasonsOf(card)])).toEqual([
      [false, 'needs_choice: alternatives'],
      [false, 'needs_choice: alternatives'],
    ]);
  });

  test('Alternatives with several lines and one picked: it takes the count, the other counts 0 and is never approved in bulk', () => {
    const lines = [line(), line({ id: 'line-2', productId: 'MP-FILTER-PRO' })];
    const mappings = [mapping({ productIds, fanOut: 'alternatives' })];
    const decisions = { 'MP-FILTER-PRO': { lineId: 'line-2' } };
    const cards = reconcileAccount(customer({ mappings, lines, decisions }));
    expect(cards.map((card) => [card.productId, card.target, card.bulkApprovable, ...reasonsOf(card)])).toEqual([
      [product, 0, false, 'check_first: other_alternative'],
      ['MP-FILTER-PRO', 12, true],
    ]);
    const picks = { ...decisions, [product]: { lineId: 'line-1' } };
    const both = reconcileAccount(customer({ mappings, lines, decisions: picks }));
    expect(both.map((card) => card.approvable)).toEqual([false, false]);
    const never = customer({ mappings, lines, decisions, usage: [count({ quantity: null })] });
    expect(reconcileAccount(never).map((card) => card.usage)).toEqual([null, null]);
  });
});

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

describe('what it is worth', () => {
  test('the change of what is billed × price', () => {
    expect(cardOf().money).toEqual([{ currency: 'USD', amount: 4, notBilled: false }]);
  });

  test('the included quantity is not paid for, and the gross quantity is what is written', () => {
    const card = cardOf({ lines: [line({ quantity: 3, includedQuantity: 5 })] });
    expect(card.write?.newQuantity).toBe(12);
    expect(card.money[0]?.amount).toBe(14);
    expect(card.preview.join(' ')).toContain('5 of it are included and not billed');
  });

  test('inside what is included, a change is worth nothing', () => {
    const lines = [line({ quantity: 3, includedQuantity: 20 })];
    expect(cardOf({ lines }).money).toEqual([{ currency: 'USD', amount: 0, notBilled: false }]);
  });

  test.each(['no_charge', 'do_not_bill'] as const)('a line that is %s is worth 0, labelled not billed', (billing) => {
    const card = cardOf({ lines: [line({ billing })] });
    expect(card.money).toEqual([{ currency: 'USD', amount: 0, notBilled: true }]);
    expect(card.preview.join(' ')).toContain('not billed');
  });

  test('currencies are never added: two agreements in two currencies, and the money is that of the one line written', () => {
    const card = cardOf({
      agreements: [agreement(), agreement({ id: 'europe', currency: 'EUR' })],
      lines: [line({ quantity: 5 }), line({ id: 'line-2', agreementId: 'europe', quantity: 5, unitPrice: 7 })],
      decisions: { [product]: { lineId: 'line-2' } },
    });
    expect(card.money).toEqual([{ currency: 'EUR', amount: 14, notBilled: false }]);
  });

  test('cents do not drift', () => {
    expect(cardOf({ lines: [line({ quantity: 9, unitPrice: 0.1 })] }).money[0]?.amount).toBe(0.3);
  });

  test('G28 the preview says what approving means', () => {
    expect(cardOf().preview).toEqual([
      'Sets the quantity on "Managed Services" from 10 to 12.',
      'First billed on 2026-12-01 for the period that begins then.',
      'Nothing is billed or credited for periods already invoiced.',
    ]);
  });
});

describe('rules of an account × product', () => {
  test('not billed: the target is 0', () => {
    expect(cardOf(ruled({ notBilled: true, minimum: 5, offset: 3 })).target).toBe(0);
  });

  test.each([
    ['a minimum above usage', { minimum: 20 }, 20],
    ['a minimum below usage', { minimum: 5 }, 12],
    ['two free users', { offset: -2 }, 10],
    ['one extra', { offset: 1 }, 13],
    ['a minimum after the offset', { minimum: 11, offset: -2 }, 11],
    ['never below 0', { offset: -50 }, 0],
  ])('%s', (_what, rule, target) => {
    expect(cardOf(ruled(rule)).target).toBe(target);
  });

  test('a rule holds for what is billed next only if it lasts into that period', () => {
    expect(cardOf(ruled({ notBilled: true, expires: '2026-12-01' })).target).toBe(0);
    // A trial to the end of November does not make December free.
    expect(cardOf(ruled({ notBilled: true, expires: '2026-11-30' }))).toMatchObject({
      target: 12,
      explanation: { rule: null },
    });
  });

  test('never lower: raised, but not lowered', () => {
    expect(cardOf(ruled({ lineMode: 'never_lower' })).approvable).toBe(true);
    const lower = cardOf({ usage: [count({ quantity: 5 })], ...ruled({ lineMode: 'never_lower' }) });
    expect(lower.approvable).toBe(false);
    expect(reasonsOf(lower)).toEqual(['not_writable: never_lower']);
  });

  test('report only: shown, with what it would be, and not approvable', () => {
    const card = cardOf(ruled({ lineMode: 'report_only' }));
    expect(card).toMatchObject({ difference: 2, approvable: false, bulkApprovable: false });
  });

  test('an agreement that is not monthly begins at report only; a rule changes that', () => {
    const agreements = [agreement({ monthly: false, billingCycle: 'Annual' })];
    expect(reasonsOf(cardOf({ agreements }))).toEqual(['not_writable: report_only']);
    expect(cardOf({ agreements, ...ruled({ offset: 0 }) }).approvable).toBe(false);
    expect(cardOf({ agreements, ...ruled({ lineMode: 'follow' }) }).approvable).toBe(true);
  });

  test.each([
    ['none', 12.4],
    ['up', 13],
    ['down', 12],
    ['nearest', 12],
  ] as const)('fractions are rounded as the mapping says: %s', (rounding, usage) => {
    const usages = [count({ quantity: 12.2 }), count({ vendorAccountId: 'northwind-2', quantity: 0.2 })];
    expect(cardOf({ usage: usages, mappings: [mapping({ rounding })] }).usage).toBe(usage);
  });
});

describe('dismissed cards', () => {
  const dismissed = (over: object, dismissal: object) =>
    cardOf({ ...over, decisions: { [product]: { dismissal: dismissal as never } } }).dismissed;
  const untilChange = { until: 'change', target: 12, current: 10, reason: 'known' };

  test('stay so until a number changes, on either side', () => {
    expect(dismissed({}, untilChange)).toBe(true);
    expect(dismissed({ usage: [count({ quantity: 13 })] }, untilChange)).toBe(false);
    expect(dismissed({ lines: [line({ quantity: 9 })] }, untilChange)).toBe(false);
  });

  test('or until a date, which is the first day they are back', () => {
    expect(dismissed({}, { until: 'date', before: '2026-11-25', reason: 'known' })).toBe(true);
    expect(dismissed({}, { until: 'date', before: '2026-11-24', reason: 'known' })).toBe(false);
  });
});
