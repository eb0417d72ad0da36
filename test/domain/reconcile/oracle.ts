/**
 * The reconciliation rules of design.md told a second time, slowly: every question is asked from the beginning for one
 * product, and next to nothing is remembered between two questions. Shares types with the product and nothing else.
 */
import type { LineInput, ReconcileInput, UsageInput } from '../../../domain/reconcile.ts';

export interface Verdict {
  product: string;
  kind: string;
  usage: number | null;
  target: number | null;
  billed: number;
  /** Line ids that the next invoice bills. */
  open: string[];
  /** What became of the product's other lines, by line id. */
  others: Record<string, string>;
  /** The write that approving makes. */
  write: { line: string; quantity: number } | null;
  money: { currency: string | null; amount: number; notBilled: boolean } | null;
  reasons: string[];
  alone: boolean;
  inBulk: boolean;
  hidden: boolean;
}

export function verdicts(world: ReconcileInput): Verdict[] {
  const products = [...new Set(world.mappings.flatMap((mapping) => mapping.productIds))].sort();
  return products.filter((product) => hasCard(world, product)).map((product) => verdict(world, product));
}

function hasCard(world: ReconcileInput, product: string): boolean {
  const rests = linesWhere(world, product, (fate) => fate === 'counted' || fate === 'credit');
  return countsFor(world, product).length > 0 || rests.length > 0;
}

function verdict(world: ReconcileInput, product: string): Verdict {
  const reasons = new Set<string>();
  const counts = countsFor(world, product);
  const open = openLines(world, product);
  const billed = open.map((line) => kept(world, line.quantity)).reduce(plus, 0);
  const elsewhere = counts.length === 0 && goesElsewhere(world, product);
  const { usage, why } = elsewhere ? { usage: 0, why: undefined } : usageOf(world, product, counts);
  if (why) reasons.add(why);
  if (elsewhere) reasons.add('other_alternative');

  const missing = counts.filter((count) => count.quantity === null).length;
  if (usage === null && !why) reasons.add('never_reported');
  if (usage !== null && missing > 0) reasons.add('part_never_reported');
  for (const count of counts) {
    if (count.swing) reasons.add('swing');
    if (count.notReportedSince !== null) reasons.add('not_reported_since');
  }
  if (severalAlternativesAreBilled(world, product)) reasons.add('alternatives');
  for (const doubt of doubtsAbout(world, product)) reasons.add(doubt);

  const target = targetOf(world, product, usage);
  const somethingIsUsed = counts.some((count) => count.quantity !== null && count.quantity > 0);
  let kind = 'no_change';
  if (open.length === 0 && (target === null ? somethingIsUsed : target > 0)) kind = 'new_revenue';
  if (open.length > 0 && target !== billed) kind = 'reconcile';
  if (open.length === 0 && linesWhere(world, product, (fate) => fate === 'credit').length > 0) kind = 'only_credits';
  if (kind === 'new_revenue') reasons.add('no_line');
  if (kind === 'only_credits') reasons.add('only_credits');

  let write: Verdict['write'] = null;
  let money: Verdict['money'] = null;
  const line = takerOf(world, product, open);
  if (kind === 'reconcile' && target !== null) {
    if (!line) {
      reasons.add('several_lines');
    } else {
      const others = open
        .filter((other) => other !== line)
        .map((other) => kept(world, other.quantity))
        .reduce(plus, 0);
      const quantity = target - others;
      if (quantity < 0) {
        reasons.add('below_zero');
      } else {
        write = { line: line.id, quantity };
        money = moneyOf(world, line, quantity);
        const mode = modeOf(world, product, line);
        if (mode === 'report_only') reasons.add('report_only');
        if (mode === 'never_lower' && target < billed) reasons.add('never_lower');
      }
    }
  }
  const stopping = [
    'no_combine_rule', 'parts_unknown', 'alternatives', 'no_line', 'only_credits', 'several_lines', 'below_zero', 'report_only',
    'never_lower', 'never_reported',
  ]; // prettier-ignore
  const alone = write !== null && ![...reasons].some((reason) => stopping.includes(reason));
  return {
    product,
    kind,
    usage,
    target,
    billed,
    open: open.map((each) => each.id),
    others: Object.fromEntries(
      world.lines
        .filter((each) => each.productId === product && fateOf(world, each) !== 'counted')
        .map((each) => [each.id, fateOf(world, each)] as const)
        .filter(([, fate]) => fate !== 'nobody'),
    ),
    write,
    money,
    reasons: [...reasons].sort(),
    alone,
    inBulk: alone && reasons.size === 0,
    hidden: isHidden(world, product, target, billed),
  };
}

const plus = (a: number, b: number) => a + b;

/** What the PSA makes of a number of halves: one that keeps no decimals takes the next whole number. */
function kept(world: ReconcileInput, halves: number): number {
  return world.quantityDecimals === 0 ? Math.ceil(halves) : halves;
}

const day = (text: string) => Date.parse(`${text}T00:00:00Z`);
const text = (moment: number) => new Date(moment).toISOString().slice(0, 10);
const nextDay = (date: string) => text(day(date) + 86_400_000);
const dayOfMonth = (date: string) => Number(date.slice(8));
const monthNumber = (date: string) => Number(date.slice(0, 4)) * 12 + Number(date.slice(5, 7));
const isLastOfMonth = (date: string) => nextDay(date).endsWith('-01');

interface Calendar {
  /** The day as of which lines are read: D, or today when D is over (or not known). */
  reading: string;
  /** The rest of the period that holds the reading day, a day each, beginning with that day. */
  days: string[];
  /** Days from the reading day on on which a line's begin or end makes the card unsure, because the period is not known. */
  foggy: string[];
}

const calendars = new Map<string, Calendar>();

/** An agreement's period found by walking from D day by day until an invoice day comes after the reading day. */
function calendarOf(world: ReconcileInput, owner: ReconcileInput['agreements'][number]): Calendar {
  const key = JSON.stringify([world.today, owner.nextInvoiceDate, owner.billingCycle]);
  const known = calendars.get(key);
  if (known) return known;
  const start = owner.nextInvoiceDate ?? world.today;
  const reading = start < world.today ? world.today : start;
  const cycles: Record<string, number> = { Monthly: 1, Quarterly: 3, 'Semi-Annual': 6, Annual: 12 };
  const cycle = owner.billingCycle ?? '';
  const isInvoiceDay = (date: string) => {
    if (cycle === 'Weekly') return (day(date) - day(start)) % (7 * 86_400_000) === 0;
    const months = monthNumber(date) - monthNumber(start);
    const fits =
      dayOfMonth(date) === dayOfMonth(start) || (isLastOfMonth(date) && dayOfMonth(date) < dayOfMonth(start));
    return months > 0 && months % (cycles[cycle] ?? 1) === 0 && fits;
  };
  const days = [reading];
  for (let date = nextDay(reading); !isInvoiceDay(date); date = nextDay(date)) days.push(date);
  let foggy = owner.nextInvoiceDate === null ? days : [];
  if (cycles[cycle] === undefined && cycle !== 'Weekly')
    foggy = Array.from({ length: 365 }, (_, at) => text(day(reading) + at * 86_400_000));
  const calendar = { reading, days, foggy };
  calendars.set(key, calendar);
  return calendar;
}

const isCredit = (line: LineInput) => line.quantity < 0 || line.unitPrice < 0;
const neverRuns = (line: LineInput) =>
  line.effectiveFrom !== null && line.effectiveTo !== null && line.effectiveTo <= line.effectiveFrom;

/** Whether a line begins while the period is under way, and will really be there. */
function arrives(calendar: Calendar, line: LineInput): boolean {
  const [, ...later] = calendar.days;
  return (
    line.effectiveFrom !== null && later.includes(line.effectiveFrom) && line.status === 'active' && !neverRuns(line)
  );
}

/** Lines of seats that a line takes over from: begun earlier, gone before the period is, and outlived. */
function forerunners(world: ReconcileInput, calendar: Calendar, line: LineInput): LineInput[] {
  return world.lines.filter((other) => {
    if (other.agreementId !== line.agreementId || other.productId !== line.productId) return false;
    if (isCredit(other) || neverRuns(other) || other.effectiveTo === null || line.effectiveFrom === null) return false;
    const begunEarlier = other.effectiveFrom === null || other.effectiveFrom < line.effectiveFrom;
    const gone = calendar.days.includes(other.effectiveTo) || other.effectiveTo < calendar.reading;
    const outlived = line.effectiveTo === null || other.effectiveTo < line.effectiveTo;
    return begunEarlier && gone && outlived;
  });
}

const fates = new WeakMap<ReconcileInput, Map<LineInput, string>>();

/** `counted`, or why a line is not; `nobody` = of an agreement that is not there. Asked so often that it is remembered. */
function fateOf(world: ReconcileInput, line: LineInput): string {
  const known = fates.get(world) ?? new Map<LineInput, string>();
  fates.set(world, known);
  const fate = known.get(line) ?? decideFate(world, line);
  known.set(line, fate);
  return fate;
}

function decideFate(world: ReconcileInput, line: LineInput): string {
  const owner = world.agreements.filter((agreement) => agreement.id === line.agreementId)[0];
  if (owner === undefined) return 'nobody';
  if (!world.account.active) return 'account_inactive';
  if (world.account.prospect) return 'prospect';
  if (owner.status !== 'active') return `agreement_${owner.status}`;
  if (owner.neverBilled) return 'never_billed';
  const calendar = calendarOf(world, owner);
  if (owner.endDate !== null && owner.endDate < calendar.reading) return 'agreement_ended';
  if (line.effectiveTo !== null && line.effectiveTo <= calendar.reading) return 'ended';
  const later = line.effectiveFrom !== null && line.effectiveFrom > calendar.reading;
  if (later && !arrives(calendar, line)) return 'not_started';
  if (line.status !== 'active') return 'line_not_active';
  if (isCredit(line)) return 'credit';
  if (later && forerunners(world, calendar, line).length === 0) return 'not_started';
  const heirs = world.lines.filter(
    (other) => arrives(calendar, other) && !isCredit(other) && forerunners(world, calendar, other).includes(line),
  );
  return heirs.length > 0 ? 'succeeded' : 'counted';
}

function linesWhere(world: ReconcileInput, product: string, wanted: (fate: string) => boolean): LineInput[] {
  return world.lines.filter((line) => line.productId === product && wanted(fateOf(world, line)));
}

/** Lines the next invoice bills. */
const openLines = (world: ReconcileInput, product: string) => linesWhere(world, product, (fate) => fate === 'counted');

/** What a person has to look at before the lines of a product are believed. */
function doubtsAbout(world: ReconcileInput, product: string): Set<string> {
  const doubts = new Set<string>();
  const somethingCounts = openLines(world, product).length > 0;
  for (const line of world.lines) {
    const owner = world.agreements.find((agreement) => agreement.id === line.agreementId);
    const fate = fateOf(world, line);
    if (line.productId !== product || owner === undefined) continue;
    const calendar = calendarOf(world, owner);
    const [, ...later] = calendar.days;
    const isPast = owner.nextInvoiceDate !== null && owner.nextInvoiceDate < world.today;
    const wasThere = fate === 'ended' && (line.effectiveTo ?? '') > (owner.nextInvoiceDate ?? '');
    if (isPast && (['counted', 'succeeded', 'credit'].includes(fate) || wasThere)) doubts.add('next_invoice_passed');
    if (!somethingCounts) continue;
    if (fate === 'credit') doubts.add('credit');
    if (fate === 'not_started' && arrives(calendar, line)) doubts.add('begins_in_period');
    const [, ...fog] = calendar.foggy;
    const isPlain =
      ['counted', 'succeeded', 'credit'].includes(fate) ||
      (fate === 'not_started' && line.status === 'active' && !neverRuns(line));
    if (isPlain && [line.effectiveFrom, line.effectiveTo].some((date) => date !== null && fog.includes(date)))
      doubts.add('period_unknown');
    if (fate !== 'counted') continue;
    if (line.effectiveTo !== null && later.includes(line.effectiveTo)) doubts.add('ends_in_period');
    if (owner.endDate !== null && calendar.days.slice(0, -1).includes(owner.endDate)) doubts.add('ends_in_period');
    if (line.effectiveFrom === null || !later.includes(line.effectiveFrom)) continue;
    const left = forerunners(world, calendar, line).map((each) => each.effectiveTo ?? '');
    if (left.every((end) => end < (line.effectiveFrom ?? ''))) doubts.add('successor_gap');
    if (left.some((end) => end > (line.effectiveFrom ?? ''))) doubts.add('successor_overlap');
  }
  return doubts;
}

/** Where a mapping sends an account's count: to all its parts, or to the alternative that is billed (else the first). */
function destinations(world: ReconcileInput, mapping: ReconcileInput['mappings'][number]): string[] {
  if (mapping.fanOut === 'parts') return mapping.productIds;
  const billed = mapping.productIds.filter((product) => openLines(world, product).length > 0);
  const taken = billed.filter((product) => pickedLine(world, product) !== undefined);
  if (taken.length === 1) return taken;
  return billed.length > 0 ? billed : mapping.productIds.slice(0, 1);
}

function pickedLine(world: ReconcileInput, product: string): LineInput | undefined {
  return openLines(world, product).find((line) => line.id === world.decisions[product]?.lineId);
}

/** Whether a number that could have come here goes to an alternative that a person picked. */
function goesElsewhere(world: ReconcileInput, product: string): boolean {
  if (linesWhere(world, product, (fate) => fate === 'counted' || fate === 'credit').length === 0) return false;
  return world.mappings.some(
    (mapping) =>
      mapping.fanOut === 'alternatives' &&
      mapping.productIds.includes(product) &&
      !destinations(world, mapping).includes(product) &&
      world.usage.some(
        (count) =>
          count.quantity !== null &&
          count.serviceId === mapping.serviceId &&
          count.integrationId === mapping.integrationId,
      ),
  );
}

function countsFor(world: ReconcileInput, product: string): UsageInput[] {
  return world.usage.filter((count) =>
    world.mappings.some(
      (mapping) =>
        mapping.serviceId === count.serviceId &&
        mapping.integrationId === count.integrationId &&
        destinations(world, mapping).includes(product),
    ),
  );
}

function severalAlternativesAreBilled(world: ReconcileInput, product: string): boolean {
  return world.mappings.some((mapping) => {
    const used = world.usage.some(
      (count) => count.serviceId === mapping.serviceId && count.integrationId === mapping.integrationId,
    );
    const there = destinations(world, mapping);
    return used && mapping.fanOut === 'alternatives' && there.length > 1 && there.includes(product);
  });
}

/** What the account uses of a product, or why that cannot be said. */
function usageOf(
  world: ReconcileInput,
  product: string,
  counts: readonly UsageInput[],
): { usage: number | null; why?: string } {
  const services = [...new Set(counts.map((count) => `${count.integrationId}/${count.serviceId}`))];
  const known = counts.filter((count) => count.quantity !== null);
  if (known.length === 0) return { usage: null };
  const numberOf = (service: string): number | null => {
    const own = known.filter((count) => `${count.integrationId}/${count.serviceId}` === service);
    if (own.length === 0) return null;
    const mapping = world.mappings.find((each) => `${each.integrationId}/${each.serviceId}` === service);
    return whole(own.map((count) => count.quantity ?? 0).reduce(plus, 0), mapping?.rounding ?? 'none');
  };
  const numbers = services.map(numberOf).filter((number) => number !== null);
  if (services.length === 1) return { usage: numbers[0] ?? null };

  const chosen = world.combine[product];
  if (chosen === undefined) return { usage: null, why: 'no_combine_rule' };
  // One service with a number is that number, however it would be combined.
  if (numbers.length === 1) return { usage: numbers[0] ?? null };
  if (chosen === 'add') return { usage: numbers.reduce(plus, 0) };
  if (chosen === 'highest') return { usage: numbers.toSorted((a, b) => b - a)[0] ?? null };
  for (const count of known) {
    if (count.parts.map((part) => part.quantity).reduce(plus, 0) !== count.quantity)
      return { usage: null, why: 'parts_unknown' };
  }
  const groups = new Set(known.flatMap((count) => count.parts.map((part) => `${count.integrationId}/${part.groupId}`)));
  let people = 0;
  for (const group of groups) {
    const seen = known.flatMap((count) =>
      count.parts.filter((part) => `${count.integrationId}/${part.groupId}` === group).map((part) => part.quantity),
    );
    people += Math.max(...seen);
  }
  return { usage: people };
}

function whole(quantity: number, rounding: string): number {
  const under = Math.floor(quantity);
  const rest = quantity - under;
  if (rounding === 'down') return under;
  if (rounding === 'up') return rest > 0 ? under + 1 : under;
  if (rounding === 'nearest') return rest >= 0.5 ? under + 1 : under;
  return quantity;
}

/** A rule holds if its last day lies in the period that is billed next, or later: the earliest one, of several. */
function ruleOf(world: ReconcileInput, product: string) {
  const rule = world.decisions[product]?.rule;
  if (rule?.expires === undefined) return rule;
  let firstBilled = '9999-12-31';
  for (const line of openLines(world, product)) {
    for (const owner of world.agreements) {
      if (owner.id !== line.agreementId) continue;
      const begins = calendarOf(world, owner).reading;
      if (begins < firstBilled) firstBilled = begins;
    }
  }
  if (firstBilled === '9999-12-31') firstBilled = world.today;
  return rule.expires < firstBilled ? undefined : rule;
}

function targetOf(world: ReconcileInput, product: string, usage: number | null): number | null {
  if (usage === null) return null;
  const rule = ruleOf(world, product);
  if (rule?.notBilled === true) return 0;
  let target = usage;
  if (rule?.offset !== undefined) target += rule.offset;
  if (rule?.minimum !== undefined && target < rule.minimum) target = rule.minimum;
  return target < 0 ? 0 : kept(world, target);
}

/** The line that takes the difference. */
function takerOf(world: ReconcileInput, product: string, open: readonly LineInput[]): LineInput | undefined {
  if (open.length < 2) return open[0];
  return open.find((line) => line.id === world.decisions[product]?.lineId);
}

function modeOf(world: ReconcileInput, product: string, line: LineInput): string {
  const said = ruleOf(world, product)?.lineMode;
  if (said !== undefined) return said;
  const monthly = world.agreements.some((agreement) => agreement.id === line.agreementId && agreement.monthly);
  return monthly ? 'follow' : 'report_only';
}

function moneyOf(world: ReconcileInput, line: LineInput, quantity: number): Verdict['money'] {
  const currency = world.agreements.find((agreement) => agreement.id === line.agreementId)?.currency ?? null;
  const invoiced = (gross: number) => (gross <= line.includedQuantity ? 0 : gross - line.includedQuantity);
  if (line.billing !== 'billable') return { currency, amount: 0, notBilled: true };
  const amount = invoiced(quantity) * line.unitPrice - invoiced(line.quantity) * line.unitPrice;
  return { currency, amount, notBilled: false };
}

function isHidden(world: ReconcileInput, product: string, target: number | null, billed: number): boolean {
  const dismissal = world.decisions[product]?.dismissal;
  switch (dismissal?.until) {
    case 'change':
      return dismissal.current === billed && dismissal.target === target;
    case 'date':
      return world.today < dismissal.before;
    case undefined:
      return false;
  }
}
