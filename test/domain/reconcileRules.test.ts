/** The rules of reconciliation one by one, as a biller would check them. */
import { describe, expect, test } from 'vitest';
import { reconcileAccount } from '../../domain/reconcile.ts';
import { agreement, cardOf, count, customer, line, mapping, product, reasonsOf, ruled } from './reconcile/example.ts';

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
