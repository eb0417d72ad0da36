/** Small random worlds of one PSA account, made so that equal names, dates on the edge and odd states are common. */
import fc from 'fast-check';
import type { Decision, ReconcileInput } from '../../../domain/reconcile.ts';

const integration = fc.constantFrom('i1', 'i2');
const service = fc.constantFrom('filter', 'safesend', 'bracket');
const product = fc.constantFrom('p1', 'p2', 'p3');
/** D is one of these, and so are all other dates: before it, on it, after it. */
const date = fc.constantFrom(
  '2026-01-31',
  '2026-02-01',
  '2026-02-02',
  '2026-02-15',
  '2026-02-27',
  '2026-02-28',
  '2026-03-01',
  '2026-04-10',
);
/** Today is mostly before D. */
const today = fc.oneof({ weight: 4, arbitrary: fc.constantFrom('2026-01-30', '2026-01-31') }, date);
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null, freq: 3 });
/** Halves and quarters: exact in binary, so that the oracle needs no rounding of its own. */
const quantity = fc.integer({ min: 0, max: 24 }).map((halves) => halves / 2);
const status = fc.constantFrom('active', 'active', 'active', 'active', 'inactive', 'cancelled', 'expired');
const absent = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

const parts = fc.uniqueArray(
  fc.record({ domain: fc.constant('d.example'), group: fc.constant('Default'), groupId: fc.nat(2), quantity }),
  { selector: (part) => part.groupId, maxLength: 3 },
);

const count = fc
  .record({
    integrationId: integration,
    vendorAccountId: fc.constantFrom('a1', 'a2'),
    serviceId: service,
    parts,
    /** Most numbers are the sum of their parts; some were sent without any, some were never sent. */
    kind: fc.constantFrom('parts', 'parts', 'parts', 'bare', 'null'),
    bare: quantity,
    source: fc.constantFrom('push' as const, 'pull' as const),
    runId: fc.constant('run'),
    asOf: fc.constant('2026-01-31T00:00:00.000Z'),
    swing: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
    notReportedSince: fc.option(fc.constant('2026-01-05T00:00:00.000Z'), { nil: null, freq: 5 }),
  })
  .map(({ kind, bare, ...rest }) => ({
    ...rest,
    // A group belongs to one vendor account.
    parts:
      kind === 'parts'
        ? rest.parts.map((part) => ({ ...part, groupId: `${rest.vendorAccountId}-${part.groupId}` }))
        : [],
    quantity:
      kind === 'null' ? null : kind === 'bare' ? bare : rest.parts.reduce((sum, part) => sum + part.quantity, 0),
  }));

const mapping = fc.record({
  integrationId: integration,
  serviceId: service,
  productIds: fc.uniqueArray(product, { minLength: 1, maxLength: 3 }),
  fanOut: fc.constantFrom('parts' as const, 'alternatives' as const),
  rounding: fc.constantFrom('none' as const, 'none' as const, 'up' as const, 'down' as const, 'nearest' as const),
});

const agreement = fc
  .record({
    id: fc.constantFrom('g1', 'g2', 'g3'),
    name: fc.constant('Managed Services'),
    status,
    nextInvoiceDate: maybe(date),
    endDate: fc.option(date, { nil: null }),
    billingCycle: fc.constantFrom(
    'Monthly', 'Monthly', 'Monthly', 'Monthly', 'Monthly', 'Quarterly', 'Semi-Annual', 'Annual', 'Weekly', 'Bi-Monthly', null,
  ), // prettier-ignore
    neverBilled: fc.integer({ min: 0, max: 7 }).map((n) => n === 0),
    currency: fc.constantFrom('USD', 'EUR', null),
  })
  .map((each) => ({ ...each, monthly: each.billingCycle === 'Monthly' }));

const line = fc.record({
  agreementId: fc.constantFrom('g1', 'g1', 'g2', 'g3'),
  productId: product,
  /** Some take seats or money back: they are credits. */
  quantity: fc.oneof({ weight: 9, arbitrary: quantity }, fc.constantFrom(-0.5, -5)),
  includedQuantity: fc.constantFrom(0, 0, 5),
  unitPrice: fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: 0, max: 12 }).map((quarters) => quarters / 4) },
    fc.constantFrom(-0.5, -20),
  ),
  billing: fc.constantFrom('billable' as const, 'billable' as const, 'do_not_bill' as const, 'no_charge' as const),
  effectiveFrom: maybe(date),
  effectiveTo: fc.option(date, { nil: null, freq: 1 }),
  status,
  version: fc.constant('v1'),
});

/** A line and those that follow it: on its last day, after a gap, or before it is over. */
const succession = fc
  .record({
    base: line,
    dates: fc.array(date, { minLength: 2, maxLength: 3 }),
    gaps: fc.array(date, { minLength: 3, maxLength: 3 }),
    clean: fc.integer({ min: 0, max: 3 }).map((n) => n > 0),
    quantities: fc.array(quantity, { minLength: 3, maxLength: 3 }),
  })
  .map(({ base, dates, gaps, clean, quantities }) => {
    const days = dates.toSorted();
    return [null, ...days].map((from, at) => ({
      ...base,
      status: at === 0 ? base.status : ('active' as const),
      quantity: quantities[at] ?? base.quantity,
      effectiveFrom: from === null ? base.effectiveFrom : clean ? from : (gaps[at - 1] ?? from),
      effectiveTo: days[at] ?? null,
    }));
  });

const rule = fc.record(
  {
    notBilled: fc.boolean(),
    minimum: quantity,
    offset: fc.integer({ min: -20, max: 20 }).map((halves) => halves / 2),
    lineMode: fc.constantFrom('follow' as const, 'never_lower' as const, 'report_only' as const),
    expires: date,
    reason: fc.constant('agreed'),
    author: fc.constant('a person'),
  },
  { requiredKeys: ['reason', 'author'] },
);

const dismissal = fc.oneof(
  fc.record({
    until: fc.constant('change' as const),
    target: maybe(quantity),
    current: quantity,
    reason: fc.constant('known'),
  }),
  fc.record({ until: fc.constant('date' as const), before: date, reason: fc.constant('known') }),
);

const decision = fc
  .record({ rule: absent(rule), lineId: absent(fc.constantFrom('l0', 'l1', 'l2')), dismissal: absent(dismissal) })
  .map(
    (given): Decision => ({
      ...(given.rule ? { rule: given.rule } : {}),
      ...(given.lineId ? { lineId: given.lineId } : {}),
      ...(given.dismissal ? { dismissal: given.dismissal } : {}),
    }),
  );

export const worlds: fc.Arbitrary<ReconcileInput> = fc.record({
  account: fc.constantFrom(
    ...Array.from({ length: 8 }, () => ({ active: true, prospect: false })),
    { active: false, prospect: false },
    { active: true, prospect: true },
  ),
  today,
  usage: fc.uniqueArray(count, {
    selector: (each) => `${each.integrationId}/${each.vendorAccountId}/${each.serviceId}`,
    maxLength: 6,
  }),
  mappings: fc.uniqueArray(mapping, {
    selector: (each) => `${each.integrationId}/${each.serviceId}`,
    minLength: 1,
    maxLength: 4,
  }),
  combine: fc.dictionary(product, fc.constantFrom('add' as const, 'highest' as const, 'distinct' as const)),
  /** Halves with no decimals have to be rounded; with one or more they are kept. */
  quantityDecimals: fc.constantFrom(0, 1, 2, 2, 4),
  agreements: fc.uniqueArray(agreement, { selector: (each) => each.id, minLength: 1, maxLength: 3 }),
  lines: fc
    .record({ single: fc.array(line, { maxLength: 4 }), pair: fc.option(succession, { nil: [] }) })
    .map(({ single, pair }) => [...single, ...pair].map((each, at) => ({ ...each, id: `l${at}` }))),
  unread: fc.constant([]),
  decisions: fc.dictionary(product, decision),
});
