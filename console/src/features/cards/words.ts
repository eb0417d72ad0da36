/** What the pages say of cards. */
import type { Tone } from '../../ui/StatusWord.tsx';
import { formatCount, formatDay } from '../../ui/format.ts';
import { terms } from '../../terms.ts';
import { calledOf } from '../mappings/words.ts';
import type { Card } from './queries.ts';
import type { CardState, FoundKind, Shown } from './search.ts';

const states: Record<CardState, { tone: Tone; word: string }> = {
  ready: { tone: 'good', word: 'Ready' },
  check_first: { tone: 'care', word: 'Check first' },
  needs_choice: { tone: 'care', word: 'Needs a choice' },
  never_reported: { tone: 'waiting', word: 'Never reported' },
  not_writable: { tone: 'held', word: 'Not writable' },
  data_changed: { tone: 'care', word: 'Data changed' },
  agrees: { tone: 'quiet', word: 'Agrees' },
};

/** What is shown, as a choice and in a sentence about so many cards; undefined = the open ones. */
const shownWords: Record<Shown | 'open', { name: string; one: string; many: string }> = {
  open: { name: 'Open cards', one: 'open card', many: 'open cards' },
  agree: { name: 'Cards that agree', one: 'card that agrees', many: 'cards that agree' },
  dismissed: { name: 'Dismissed and reviewed', one: 'dismissed or reviewed card', many: 'dismissed or reviewed cards' },
  todo: { name: 'The to-do list', one: 'card on the to-do list', many: 'cards on the to-do list' },
  writing: { name: 'Being written', one: 'card being written', many: 'cards being written' },
  all: { name: 'All cards', one: 'card', many: 'cards' },
};
export const wordsOfShown = (show: Shown | undefined) => shownWords[show ?? 'open'];

const foundWords: Record<FoundKind, string> = {
  confirmed: 'Found, and ready',
  check: 'Found, needs a check',
  not_billed: 'Not billed, by a rule or by the line',
  annual: 'Not billed monthly',
  no_line: 'Used, and never billed',
  expired: 'What billed it has ended',
};
export const wordOfFound = (found: FoundKind) => foundWords[found];

export const wordOfState = (state: CardState) => states[state].word;

const pendings: Record<NonNullable<Card['pending']>['state'], { tone: Tone; word: string }> = {
  intended: { tone: 'busy', word: 'Being written' },
  writing: { tone: 'busy', word: 'Being written' },
  uncertain: { tone: 'busy', word: 'Being settled' },
  todo: { tone: 'waiting', word: 'To do' },
};

/** A card's state in a word: what is under way first, then what a person decided, then what it asks. */
export function stateOfCard({ state, kind, pending, dismissal }: Card): { tone: Tone; word: string } {
  if (pending) return pendings[pending.state];
  if (dismissal) return { tone: 'quiet', word: dismissal.reviewed ? 'Reviewed' : 'Dismissed' };
  if (kind === 'only_credits') return { tone: 'held', word: 'Only credits' };
  return states[state];
}

/** What the word of a card's state means, for whoever sees it the first time; undefined = the word says it all. */
export function meaningOfCard({ state, pending, dismissal }: Card): string | undefined {
  if (pending || dismissal) return undefined;
  const meanings: Partial<Record<CardState, string>> = {
    check_first: terms.checkFirst,
    needs_choice: terms.needsChoice,
    not_writable: terms.notWritable,
    never_reported: terms.notCounted,
  };
  return meanings[state];
}

/** Never reported is no zero. */
export const numberOf = (value: number | null) => (value === null ? '—' : formatCount(value));

export const productOf = ({ productId, productName, psaProductId }: Card) => productId ?? productName ?? psaProductId;

/** The API cuts the name of a group after so many characters. */
const cut = (name: string) => /^.{0,200}/su.exec(name)?.[0] ?? '';

/** The name of a card's group, as the API has it. */
export const groupOf = {
  account: (card: Card) => cut(card.psaAccountName),
  product: (card: Card) => cut(card.productId ?? card.psaProductId),
};

export const nameOfCard = (card: Card) =>
  `${calledOf({ name: card.psaAccountName, apart: card.psaAccountApart })}, ${productOf(card)}`;

/** Until when a card is dismissed. */
export function untilInWords({ until, before }: NonNullable<Card['dismissal']>): string {
  return until === 'date' && before !== null ? `until ${formatDay(before)}` : 'until one of its numbers changes';
}
