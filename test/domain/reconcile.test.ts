import fc from 'fast-check';
import { expect, test } from 'vitest';
import { reconcileAccount, type Card } from '../../domain/reconcile.ts';
import { verdicts, type Verdict } from './reconcile/oracle.ts';
import { worlds } from './reconcile/worlds.ts';

/** A card reduced to what the oracle answers. */
function verdictOf(card: Card): Verdict {
  expect(card.money.length, 'one write moves money in one currency').toBeLessThanOrEqual(1);
  return {
    product: card.productId,
    kind: card.kind,
    usage: card.usage,
    target: card.target,
    billed: card.current,
    open: card.lines.map((line) => line.lineId),
    others: Object.fromEntries(card.leftOut.map((line) => [line.lineId, line.reason])),
    write: card.write && { line: card.write.line.lineId, quantity: card.write.newQuantity },
    money: card.money[0] ?? null,
    reasons: [...new Set(card.flags.map((flag) => flag.reason))].sort(),
    alone: card.approvable,
    inBulk: card.bulkApprovable,
    hidden: card.dismissed,
  };
}

test('the cards of a small world are what the slow oracle says', () => {
  fc.assert(
    fc.property(worlds, (world) => {
      expect(reconcileAccount(world).map(verdictOf)).toEqual(verdicts(world));
    }),
    { numRuns: 2_500 },
  );
});

test('the worlds reach every kind and every reason, so that the comparison means something', () => {
  const seen = new Set<string>();
  for (const world of fc.sample(worlds, { numRuns: 2_000, seed: 7 })) {
    for (const verdict of verdicts(world)) {
      for (const reason of verdict.reasons) seen.add(reason);
      seen.add(verdict.kind);
      if (verdict.inBulk) seen.add('in bulk');
      else if (verdict.alone) seen.add('alone only');
      if (verdict.hidden) seen.add('hidden');
      for (const fate of Object.values(verdict.others)) if (fate === 'succeeded') seen.add(fate);
      if (verdict.money && verdict.money.amount !== 0) seen.add('money');
    }
  }
  expect([...seen].sort()).toEqual(
    [
      'new_revenue', 'reconcile', 'no_change', 'in bulk', 'alone only', 'hidden', 'money', 'no_combine_rule',
      'parts_unknown', 'alternatives', 'other_alternative', 'no_line', 'several_lines', 'below_zero', 'report_only', 'never_lower',
      'never_reported', 'part_never_reported', 'swing', 'not_reported_since', 'only_credits', 'credit',
      'next_invoice_passed', 'ends_in_period', 'begins_in_period', 'successor_gap', 'successor_overlap', 'period_unknown',
      'succeeded',
    ].sort(), // prettier-ignore
  );
});

test('what may be approved in one go makes the bill equal to the target, on a line that is open at D, never below 0', () => {
  fc.assert(
    fc.property(worlds, (world) => {
      for (const card of reconcileAccount(world)) {
        if (!card.approvable) continue;
        const line = card.write?.line;
        const stored = world.lines.find((each) => each.id === line?.lineId);
        const owner = world.agreements.find((each) => each.id === line?.agreementId);
        const d = owner?.nextInvoiceDate ?? world.today;
        expect(stored?.productId).toBe(card.productId);
        expect(owner?.status).toBe('active');
        for (const over of [d, world.today])
          expect(stored?.effectiveTo === null || (stored?.effectiveTo ?? '') > over).toBe(true);
        expect((stored?.quantity ?? NaN) >= 0 && (stored?.unitPrice ?? NaN) >= 0, 'a credit is never written').toBe(
          true,
        );
        if (card.bulkApprovable && owner?.nextInvoiceDate) expect(owner.nextInvoiceDate >= world.today).toBe(true);
        const kept = (quantity: number) => (world.quantityDecimals === 0 ? Math.ceil(quantity) : quantity);
        const after = card.lines.map((each) => kept(each === line ? (card.write?.newQuantity ?? NaN) : each.quantity));
        expect(after.reduce((a, b) => a + b, 0)).toBe(card.target);
        expect(card.write?.newQuantity, 'nothing is written that the PSA would round').toBe(
          kept(card.write?.newQuantity ?? NaN),
        );
        expect(Math.min(...after)).toBeGreaterThanOrEqual(0);
      }
    }),
    { numRuns: 700 },
  );
});

test('applying what was approved leaves nothing to reconcile', () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const approved = reconcileAccount(world).filter((card) => card.approvable);
      const lines = world.lines.map((line) => {
        const write = approved.find((card) => card.write?.line.lineId === line.id)?.write;
        return write ? { ...line, quantity: write.newQuantity } : line;
      });
      const after = reconcileAccount({ ...world, lines });
      for (const { productId } of approved)
        expect(after.find((card) => card.productId === productId)).toMatchObject({ kind: 'no_change', difference: 0 });
    }),
    { numRuns: 500 },
  );
});

test('the order in which counts, mappings, agreements and lines are read changes no number', () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const turned = {
        ...world,
        usage: world.usage.toReversed(),
        mappings: world.mappings.toReversed(),
        agreements: world.agreements.toReversed(),
        lines: world.lines.toReversed(),
      };
      const numbers = (cards: Card[]) =>
        cards.map((card) => [
          card.productId,
          card.kind,
          card.usage,
          card.target,
          card.current,
          card.approvable,
          card.money,
        ]);
      expect(numbers(reconcileAccount(turned))).toEqual(numbers(reconcileAccount(world)));
    }),
    { numRuns: 500 },
  );
});
