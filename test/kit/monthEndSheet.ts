/** What the month-end sheet answers, and the sums that its lines make by themselves. */
import { expect } from 'vitest';

export interface Line {
  id: string;
  part: 'approved' | 'skipped' | 'dismissed' | 'untouched';
  sum: string;
  noLine: boolean;
  psaAccountId: string;
  psaAccountName: string;
  psaProductId: string;
  cardId: string;
  from: number | null;
  to: number | null;
  amount: number | null;
  currency: string | null;
  outcome: string | null;
  reason: string | null;
  words: string;
  byName: string | null;
  at: string | null;
  approvalId: string | null;
  lineId: string | null;
  undoOf: string | null;
  earlier: boolean;
  differsBy: number | null;
}
export type Part = Line['part'];
export interface Sums {
  lines: number;
  cards: Record<Part | 'billed' | 'open' | 'openEarlier' | 'notWritten' | 'unpriced' | 'differAgain', number> & {
    unpricedIn: Record<string, number>;
  };
  withoutLine: { cards: number; seats: number };
  money: ({ currency: string | null } & Record<string, number>)[];
}
export const keyOf = ({ psaAccountId, psaProductId }: { psaAccountId: string; psaProductId: string }) =>
  `${psaAccountId}/${psaProductId}`;

export const cents = (amount: number) => Math.round(amount * 10_000);

/** The sums of lines, as the sheet has to have them. */
export function sumsOf(lines: readonly Line[]) {
  const buckets: Record<string, string[]> = {
    billed: ['written', 'already', 'by_hand', 'undone'],
    open: ['under_way', 'uncertain', 'todo'],
    notWritten: ['conflict', 'rejected', 'withdrawn', 'replaced'],
  };
  const stateOf = ({ outcome }: Line) =>
    Object.keys(buckets).find((name) => buckets[name]?.includes(outcome ?? '')) ?? '?';
  // What undid a line of the sheet, and was not undone itself, cancels out with it.
  const undosOf = (line: Line) =>
    lines.filter(
      (other) =>
        line.approvalId !== null &&
        other.undoOf === line.approvalId &&
        keyOf(other) === keyOf(line) &&
        other.lineId === line.lineId &&
        stateOf(other) === 'billed',
    );
  const isUndone = (line: Line) => undosOf(line).some((undo) => undosOf(undo).length === 0);
  const isUndo = (line: Line) => undosOf(line).length === 0 && lines.some((other) => undosOf(other).includes(line));
  const bucketOf = (line: Line) => {
    if (line.part !== 'approved') return line.part;
    return stateOf(line) === 'billed' && (isUndone(line) || isUndo(line)) ? 'notWritten' : stateOf(line);
  };
  const money = new Map<string | null, Record<string, number>>();
  for (const line of lines) {
    if (line.amount === null) continue;
    const none = { billed: 0, open: 0, notWritten: 0, skipped: 0, dismissed: 0, untouched: 0, total: 0 };
    const sum = money.get(line.currency) ?? none;
    const bucket = bucketOf(line) as keyof typeof none;
    expect(line.sum).toBe(bucket);
    const added = cents(line.amount);
    money.set(line.currency, { ...sum, [bucket]: (sum[bucket] ?? 0) + added, total: (sum['total'] ?? 0) + added });
  }
  const count = (part: Part) => new Set(lines.filter((line) => line.part === part).map(keyOf)).size;
  const cardsOf = [...new Set(lines.map(keyOf))].map((key) => lines.filter((line) => keyOf(line) === key));
  // A card is counted where its lines stand: with what is open, else with what is billed.
  const fateOf = (own: readonly Line[]) => {
    const found = own.map(bucketOf);
    return ['open', 'billed'].find((fate) => found.includes(fate)) ?? found[0] ?? '?';
  };
  const ofFate = (fate: string, own = cardsOf) => own.filter((each) => fateOf(each) === fate).length;
  const unpriced = cardsOf.filter(([line]) => line?.amount === null);
  const first = cardsOf.map(([line]) => line).filter((line) => line !== undefined);
  return {
    lines: lines.length,
    cards: {
      approved: count('approved'),
      skipped: count('skipped'),
      dismissed: count('dismissed'),
      untouched: count('untouched'),
      billed: ofFate('billed'),
      open: ofFate('open'),
      openEarlier: cardsOf.filter((own) => own.some(({ earlier }) => earlier)).length,
      notWritten: ofFate('notWritten'),
      unpriced: unpriced.length,
      unpricedIn: Object.fromEntries(
        ['billed', 'open', 'notWritten', 'skipped', 'dismissed', 'untouched'].map((fate) => [
          fate,
          ofFate(fate, unpriced),
        ]),
      ),
    },
    withoutLine: {
      cards: first.filter(({ noLine }) => noLine).length,
      seats: first.reduce((sum, { noLine, to }) => sum + (noLine ? (to ?? 0) : 0), 0),
    },
    money: [...money].map(([currency, sum]) => ({ currency, ...sum })),
  };
}

export const inCents = ({ lines, cards, withoutLine, money }: Sums) => {
  const { differAgain: _, ...counted } = cards;
  const sums = money.map(({ currency, ...of }) => ({
    currency,
    ...Object.fromEntries(Object.entries(of).map(([name, amount]) => [name, cents(amount)])),
  }));
  return { lines, cards: counted, withoutLine, money: sums };
};
