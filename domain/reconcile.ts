/**
 * Computes the cards of one PSA account: what it uses against what it is billed (design.md "Reconciliation rules"). Pure. A
 * wrong bill is the worst bug we can have, so the tests compare this with a slow oracle that is written independently.
 */
import { combineUsage } from './reconcile/combine.ts';
import { chooseLine } from './reconcile/choice.ts';
import { lineDoubts, describeNoLine, describeOnlyCredits } from './reconcile/lineDescriptions.ts';
import { linesOf, readLines } from './reconcile/lines.ts';
import { writeDoubts } from './reconcile/writeDoubts.ts';
import { moneyOf, previewOf } from './reconcile/preview.ts';
import type {
  AccountRule,
  Card,
  CardFlag,
  CardKind,
  Dismissal,
  ReconcileInput,
  UsageInput,
} from './reconcile/types.ts';
import { describeIncomplete } from './incomplete.ts';
import { maxDecimals, roundHalfUp, sameQuantity, tidy } from './quantities.ts';

export type * from './reconcile/types.ts';

/** @returns a card for every mapped product that the account uses or is billed for, ordered by product id */
export function reconcileAccount(input: ReconcileInput): Card[] {
  return feeds(input)
    .map((feed) => cardOf(input, feed))
    .filter((card) => card !== undefined)
    .sort((a, b) => (a.productId < b.productId ? -1 : 1));
}

/** A product and the counts that feed it. */
interface Feed {
  productId: string;
  usage: UsageInput[];
  /** Several alternatives of a service have a line, and no person has picked the one that takes the count. */
  ambiguous: boolean;
  /** The service's count goes to another of its alternatives. */
  passedOver: boolean;
}

function feeds(input: ReconcileInput): Feed[] {
  const byProduct = new Map<string, Feed>();
  const feed = (productId: string) => {
    const found = byProduct.get(productId) ?? { productId, usage: [], ambiguous: false, passedOver: false };
    byProduct.set(productId, found);
    return found;
  };
  for (const mapping of input.mappings) {
    const usage = input.usage.filter(
      (count) => count.integrationId === mapping.integrationId && count.serviceId === mapping.serviceId,
    );
    const billed = mapping.productIds.filter((productId) => linesOf(input, productId).active.length > 0);
    if (mapping.fanOut === 'parts' || mapping.productIds.length === 1) {
      for (const productId of mapping.productIds) feed(productId).usage.push(...usage);
      continue;
    }
    // Alternatives: the count goes to the product that this customer has a line for. With no line there is one new-revenue
    // card; with several a person picks the line that takes the count, and the others count as 0.
    const picked = billed.filter((productId) => isPicked(input, productId));
    const [first] = mapping.productIds;
    const chosen = picked.length === 1 ? picked : billed.length > 0 ? billed : first === undefined ? [] : [first];
    for (const productId of chosen) {
      feed(productId).usage.push(...usage);
      if (chosen.length > 1 && usage.length > 0) feed(productId).ambiguous = true;
    }
    // A service that was never reported must not set the other alternatives to 0.
    const known = usage.some((count) => count.quantity !== null);
    for (const productId of mapping.productIds.filter((each) => isOnInvoice(input, each))) {
      const other = feed(productId);
      if (known && !chosen.includes(productId)) other.passedOver = true;
    }
  }
  return [...byProduct.values()];
}

/** Whether a person picked one of the product's lines, and that line is still billed. */
function isPicked(input: ReconcileInput, productId: string): boolean {
  const pick = input.decisions[productId]?.lineId;
  return linesOf(input, productId).active.some((line) => line.lineId === pick);
}

/** Whether the next invoice bills anything for a product: seats, or only a credit. */
function isOnInvoice(input: ReconcileInput, productId: string): boolean {
  const { active, leftOut } = linesOf(input, productId);
  return active.length > 0 || leftOut.some((line) => line.reason === 'credit');
}

function cardOf(input: ReconcileInput, feed: Feed): Card | undefined {
  const { productId } = feed;
  const lines = linesOf(input, productId);
  if (feed.usage.length === 0 && !isOnInvoice(input, productId)) return undefined;

  const flags: CardFlag[] = [];
  const flag = (code: CardFlag['code'], reason: string, words: string) => flags.push({ code, reason, words });
  const decision = input.decisions[productId] ?? {};
  // An approval of today is first billed for the period that begins at D, so a rule must still hold then.
  const periodBegins = lines.active.map((line) => line.readOn).sort()[0] ?? input.today;
  const rule = ruleInForce(decision.rule, periodBegins);
  const combined = combineUsage(input, productId, feed.usage);
  const passedOver = feed.passedOver && feed.usage.length === 0;
  const usage = passedOver ? 0 : combined.usage;
  // Each line is rounded as the PSA keeps it before it is summed, so that the sum agrees with what was written.
  const current = tidy(lines.active.reduce((sum, line) => sum + roundHalfUp(line.quantity, input.quantityDecimals), 0));
  // A PSA of whole numbers gets no fraction rounded behind a person's back: the card asks.
  const isWhole = input.caps?.decimals === 0;
  const target = targetOf(usage, rule, isWhole ? maxDecimals : input.quantityDecimals);

  if (usage === null && !combined.needsRule) {
    flag('incomplete', 'never_reported', 'The vendor has never reported this service for this customer.');
  }
  if (usage !== null && combined.unreported > 0) {
    flag('incomplete', 'part_never_reported', 'A part of this sum was never reported.');
  }
  if (combined.needsRule) flag('needs_rule', combined.needsRule.reason, combined.needsRule.words);
  if (feed.usage.some((count) => count.swing)) {
    flag('check_first', 'swing', 'The number moved further than usual since the last run.');
  }
  const gone = feed.usage.filter((count) => count.notReportedSince !== null);
  const since = gone.map((count) => count.notReportedSince ?? '').sort()[0];
  if (since !== undefined) {
    const kept = gone.some((count) => count.quantity !== 0) ? 'the last number is kept' : 'it counts as 0';
    flag('no_longer_reported', 'not_reported_since', `Not reported since ${since.slice(0, 10)}; ${kept}.`);
  }
  if (feed.ambiguous) {
    flag(
      'needs_choice',
      'alternatives',
      'This customer has lines for several of the alternative products. Pick the line that takes the count, on the card of its product.',
    );
  }
  if (passedOver) {
    flag(
      'check_first',
      'other_alternative',
      'The count goes to another of the alternative products, whose line is billed or was picked; this one counts as 0.',
    );
  }

  const partly = feed.usage.find((count) => count.incomplete)?.incomplete;
  if (partly) flag('incomplete', 'incomplete_list', describeIncomplete('This usage', partly));
  if (input.linesIncomplete)
    flag('incomplete', 'incomplete_list', describeIncomplete('What the PSA bills here', input.linesIncomplete));

  const changed = target !== null && !sameQuantity(target, current);
  // Without usage there is no new revenue: a service that was never reported must not be put on an agreement.
  const used = feed.usage.some((count) => (count.quantity ?? 0) > 0);
  const kind = kindOf({
    billed: lines.active.length > 0,
    credited: lines.leftOut.some((line) => line.reason === 'credit'),
    changed: changed || target === null,
    used: target === null ? used : target > 0,
  });
  const unread = input.unread.filter((one) => !one.onlyWithoutLine || lines.active.length === 0);
  for (const { reason, words } of unread) flag('incomplete', reason, words);
  if (kind === 'new_revenue') flag('not_writable', 'no_line', describeNoLine(input, lines.leftOut));
  if (kind === 'only_credits') flag('not_writable', 'only_credits', describeOnlyCredits(input, lines.leftOut));
  flags.push(...lineDoubts(readLines(input, productId), lines.leftOut));
  const choice =
    kind === 'reconcile' && target !== null
      ? chooseLine({
          lines: lines.active,
          target,
          current,
          quantityDecimals: input.quantityDecimals,
          pick: decision.lineId ?? null,
          mode: rule?.lineMode ?? null,
        })
      : undefined;
  if (choice?.flag) flags.push(choice.flag);
  const write = choice?.write ?? null;
  if (write) flags.push(...writeDoubts(write, input));

  const stops = new Set<CardFlag['code']>(['needs_rule', 'needs_choice', 'not_writable']);
  // Data from an incomplete list may raise a quantity, and never lower one (invariant 3).
  const lowersByPart = flags.some(({ reason }) => reason === 'incomplete_list') && target !== null && target < current;
  const approvable =
    kind === 'reconcile' &&
    usage !== null &&
    write !== null &&
    !lowersByPart &&
    unread.length === 0 &&
    !flags.some(({ code }) => stops.has(code));
  return {
    productId,
    kind,
    flags,
    usage,
    target,
    current,
    difference: target === null ? null : tidy(target - current),
    lines: lines.active,
    leftOut: lines.leftOut,
    write,
    money: write ? moneyOf(write) : [],
    preview: write ? previewOf(write, input) : [],
    approvable,
    bulkApprovable: approvable && flags.length === 0,
    dismissed: isDismissed(decision.dismissal, { target, current, today: input.today }),
    explanation: {
      counts: feed.usage,
      combine: combined.how,
      rule: rule ?? null,
      linesAsOf: [...new Set(lines.active.map((line) => line.readOn))].sort(),
    },
  };
}

function kindOf(card: { billed: boolean; credited: boolean; changed: boolean; used: boolean }): CardKind {
  if (card.billed) return card.changed ? 'reconcile' : 'no_change';
  if (card.credited) return 'only_credits';
  return card.used ? 'new_revenue' : 'no_change';
}

function ruleInForce(rule: AccountRule | undefined, day: string): AccountRule | undefined {
  return rule && (rule.expires === undefined || rule.expires >= day) ? rule : undefined;
}

/** 0 if not billed, else max(minimum, usage + offset), never below 0, rounded to the PSA's decimals. */
function targetOf(usage: number | null, rule: AccountRule | undefined, quantityDecimals: number): number | null {
  if (usage === null) return null;
  if (rule?.notBilled) return 0;
  return roundHalfUp(Math.max(rule?.minimum ?? 0, usage + (rule?.offset ?? 0), 0), quantityDecimals);
}

function sameOrNone(a: number | null, b: number | null): boolean {
  return a === null || b === null ? a === b : sameQuantity(a, b);
}

function isDismissed(
  dismissal: Dismissal | undefined,
  now: { target: number | null; current: number; today: string },
): boolean {
  if (!dismissal) return false;
  if (dismissal.until === 'change')
    return sameOrNone(dismissal.target, now.target) && sameQuantity(dismissal.current, now.current);
  return now.today < dismissal.before;
}
