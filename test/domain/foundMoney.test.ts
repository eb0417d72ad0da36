/** What a card asks of a person and what it finds, as a biller would reckon it. */
import { describe, expect, test } from 'vitest';
import { foundOf, stateOf } from '../../domain/reconcile/review.ts';
import type { Card } from '../../domain/reconcile.ts';
import { agreement, cardOf, count, line, mapping, ruled } from './reconcile/example.ts';

const both = (card: Card) => ({ state: stateOf(card), found: foundOf(card) });
const usd = (kind: string, amount: number | null) => ({
  kind,
  currency: amount === null ? null : 'USD',
  amount,
});

describe('what a card asks, and what it finds', () => {
  test.each<[string, Parameters<typeof cardOf>[0], string, object | undefined]>([
    ['more used than billed: ready, confirmed', {}, 'ready', usd('confirmed', 4)],
    ['less used than billed: ready, below zero', { usage: [count({ quantity: 7 })] }, 'ready', usd('confirmed', -6)],
    ['the same: it agrees, nothing is found', { usage: [count({ quantity: 10 })] }, 'agrees', undefined],
    ['a swing: to check', { usage: [count({ swing: true })] }, 'check_first', usd('check', 4)],
    [
      'never reported: to check, no amount',
      { usage: [count({ quantity: null })] },
      'never_reported',
      usd('check', null),
    ],
    [
      'no longer reported: the data changed',
      { usage: [count({ notReportedSince: '2026-11-20T00:00:00.000Z' })] },
      'data_changed',
      usd('check', 4),
    ],
    [
      'several lines of one price: a choice is needed, the money is known',
      { lines: [line({ quantity: 4 }), line({ id: 'line-2', quantity: 4 })] },
      'needs_choice',
      usd('check', 8),
    ],
    [
      'several lines of different prices: the money is not known',
      { lines: [line({ quantity: 4 }), line({ id: 'line-2', quantity: 4, unitPrice: 3 })] },
      'needs_choice',
      usd('check', null),
    ],
    [
      'several lines with included seats: the money depends on the line',
      { lines: [line({ quantity: 4 }), line({ id: 'line-2', quantity: 4, includedQuantity: 2 })] },
      'needs_choice',
      usd('check', null),
    ],
    [
      'included seats are worth nothing',
      { lines: [line({ quantity: 10, includedQuantity: 11 })] },
      'ready',
      usd('confirmed', 2),
    ],
    [
      'an agreement that is billed by the year is apart',
      { agreements: [agreement({ monthly: false, billingCycle: 'Annual' })] },
      'not_writable',
      usd('annual', 4),
    ],
    [
      'a line that the PSA does not bill is apart, with what it would be worth',
      { lines: [line({ billing: 'no_charge' })] },
      'ready',
      usd('not_billed', 4),
    ],
    [
      'a rule that nothing is billed is apart, with what is used',
      { ...ruled({ notBilled: true }), lines: [line({ quantity: 0 })] },
      'agrees',
      usd('not_billed', 24),
    ],
    ['billed although a rule says not to: too much', ruled({ notBilled: true }), 'ready', usd('confirmed', -20)],
    ['used and on no line', { lines: [] }, 'not_writable', usd('no_line', null)],
    [
      'used, and its line has ended: at that price',
      { lines: [line({ effectiveTo: '2026-01-01' })] },
      'not_writable',
      usd('expired', 24),
    ],
    [
      'used, and its agreement has ended',
      { agreements: [agreement({ status: 'expired' })] },
      'not_writable',
      usd('expired', 24),
    ],
    ['only a credit', { lines: [line({ quantity: -1 })] }, 'not_writable', usd('only_credits', null)],
    [
      'services that nobody said how to combine',
      {
        usage: [count(), count({ serviceId: 'Bracket' })],
        mappings: [mapping(), mapping({ serviceId: 'Bracket' })],
      },
      'needs_choice',
      usd('check', null),
    ],
  ])('%s', (_, over, state, found) => {
    expect(both(cardOf(over))).toEqual({ state, found });
  });

  test('an amount has four exact decimals', () => {
    const card = cardOf({ usage: [count({ quantity: 10.3 })], lines: [line({ quantity: 10, unitPrice: 0.1 })] });
    expect(foundOf(card)?.amount).toBe(0.03);
  });
});
