/** What a card asks of a person, and what it is worth: for lists, their filters, and sums. Pure. */
import { billedQuantity, money } from '../quantities.ts';
import { moneyOf } from './preview.ts';
import type { AccountRule, Card, CardFlag, CardLine, LeftOutLine, LineMode } from './types.ts';

/**
 * What a card asks of a person. `ready` is approved in bulk, `agrees` has nothing to approve; each other one is the first
 * reason why the card is not approved in bulk.
 */
export const cardStates = [
  'ready',
  'check_first',
  'needs_choice',
  'never_reported',
  'not_writable',
  'data_changed',
  'agrees',
] as const;
export type CardState = (typeof cardStates)[number];

/** Each state in a word or two, and in a sentence. */
export const cardStateWords: Readonly<Record<CardState, { name: string; words: string }>> = {
  ready: { name: 'Ready', words: 'It can be approved now, alone or with others.' },
  check_first: { name: 'Check first', words: 'Somebody has to look first: the number moved, or its line is unusual.' },
  needs_choice: { name: 'Needs a choice', words: 'A person has to pick a line, or to say how services combine.' },
  never_reported: { name: 'Never reported', words: 'The vendor has never reported the number, or a part of it.' },
  not_writable: { name: 'Not writable', words: 'There is no line that Countersign can write as the card needs it.' },
  data_changed: { name: 'Data changed', words: 'The number is no longer reported, or was not read completely.' },
  agrees: { name: 'Agrees', words: 'What is billed is what should be billed.' },
};

export function stateOf(card: Pick<Card, 'kind' | 'flags' | 'usage' | 'bulkApprovable'>): CardState {
  const has = (...codes: CardFlag['code'][]) => card.flags.some(({ code }) => codes.includes(code));
  if (has('needs_rule', 'needs_choice')) return 'needs_choice';
  if (card.usage === null) return 'never_reported';
  if (card.kind === 'no_change') return 'agrees';
  if (has('not_writable')) return 'not_writable';
  if (card.flags.some(({ reason }) => reason === 'part_never_reported')) return 'never_reported';
  if (has('no_longer_reported', 'incomplete')) return 'data_changed';
  return card.bulkApprovable ? 'ready' : 'check_first';
}

const lineModeWords: Readonly<Record<LineMode, string>> = {
  follow: 'follow usage',
  never_lower: 'never lower it',
  report_only: 'report only',
};

/** What a rule does, such as "at least 500". */
export function describeRule({ notBilled, minimum, offset, lineMode }: AccountRule): string {
  const number = (value: number) => Math.abs(value).toLocaleString('en');
  const parts = [
    notBilled ? 'not billed' : [],
    minimum === undefined ? [] : `at least ${number(minimum)}`,
    offset === undefined ? [] : `usage ${offset < 0 ? 'less' : 'and'} ${number(offset)}`,
    lineMode === undefined ? [] : lineModeWords[lineMode],
  ].flat();
  return parts.length === 0 ? 'usage as it is' : parts.join(', ');
}

/**
 * What a card finds. `confirmed` can be approved now; `check` needs a person first; `not_billed`: a rule or the PSA's line
 * says so; `annual`: its agreement is not billed monthly, so its money is none of a month; `no_line`: used, and on no
 * line; `expired`: used, and its line or agreement has ended; `only_credits`: the PSA gives money back and bills no seat.
 */
export const foundKinds = ['confirmed', 'check', 'not_billed', 'annual', 'no_line', 'expired', 'only_credits'] as const;
export type FoundKind = (typeof foundKinds)[number];

export interface Found {
  kind: FoundKind;
  currency: string | null;
  /** What the next invoice would change by, above 0 where too little is billed; null when no one price tells it. */
  amount: number | null;
}

/** @returns undefined when there is nothing to find: what is billed is right */
export function foundOf(card: Card): Found | undefined {
  switch (card.kind) {
    case 'only_credits':
      return { kind: 'only_credits', currency: null, amount: null };
    case 'new_revenue':
      return unbilled(card);
    case 'no_change':
      return card.explanation.rule?.notBilled && (card.usage ?? 0) > 0
        ? { kind: 'not_billed', ...worthOf(card.lines, card.usage ?? 0) }
        : undefined;
    case 'reconcile':
      return changed(card);
  }
}

const over: readonly LeftOutLine['reason'][] = ['agreement_expired', 'agreement_ended', 'agreement_cancelled', 'ended'];

function unbilled({ leftOut, target }: Card): Found {
  const ended = leftOut.filter(({ reason }) => over.includes(reason));
  if (ended.length === 0) return { kind: 'no_line', currency: null, amount: null };
  return { kind: 'expired', ...worthOf(ended, target ?? 0) };
}

function changed(card: Card): Found {
  const { write, lines, difference } = card;
  const of: readonly CardLine[] = write ? [write.line] : lines;
  const isNotBilled = of.every(({ billed }) => !billed);
  const kind: FoundKind = of.some(({ monthly }) => !monthly)
    ? 'annual'
    : isNotBilled
      ? 'not_billed'
      : stateOf(card) === 'ready'
        ? 'confirmed'
        : 'check';
  const [change] = write && !isNotBilled ? moneyOf(write) : [];
  if (change) return { kind, currency: change.currency, amount: change.amount };
  if (write) {
    const { line, newQuantity } = write;
    const seats =
      billedQuantity(newQuantity, line.includedQuantity) - billedQuantity(line.quantity, line.includedQuantity);
    return { kind, currency: line.currency, amount: money(seats * line.unitPrice) };
  }
  if (difference === null || of.some(({ includedQuantity }) => includedQuantity > 0))
    return { kind, currency: null, amount: null };
  return { kind, ...worthOf(of, difference) };
}

/** What so many seats cost, where all lines have one price in one currency. */
function worthOf(lines: readonly Pick<CardLine, 'unitPrice' | 'currency'>[], seats: number): Omit<Found, 'kind'> {
  const [first] = lines;
  const isOne = lines.every(({ unitPrice, currency }) => unitPrice === first?.unitPrice && currency === first.currency);
  return first && isOne
    ? { currency: first.currency, amount: money(seats * first.unitPrice) }
    : { currency: null, amount: null };
}
