/** Holds numbers that moved too far, both ways, until a person has looked (invariant 3). */
import { keyOfPair, pairOfKey, type CountPair } from './countPair.ts';

export interface SwingSettings {
  /** A pair is checked first when it moved by more than this share of its old value … */
  pairPercent: number;
  /** … and by more than this many units: 1 → 2 users is no swing. */
  pairUnits: number;
  /** A run is held when its total, or its number of pairs above zero, moved by more than this share. */
  totalPercent: number;
}

export const defaultSwing: SwingSettings = { pairPercent: 50, pairUnits: 10, totalPercent: 20 };

/** Reads an integration's swing settings; a missing or invalid number gets its default. */
export function swingSettings(given: unknown): SwingSettings {
  const settings = { ...defaultSwing };
  if (typeof given !== 'object' || given === null) return settings;
  for (const name of Object.keys(settings) as (keyof SwingSettings)[]) {
    const value = (given as Record<string, unknown>)[name];
    if (typeof value === 'number' && value >= 0) settings[name] = value;
  }
  return settings;
}

/** How much a vendor account uses of a service; null = never reported. */
export interface PairQuantity extends CountPair {
  quantity: number | null;
}

export interface PairValue {
  key: string;
  /** null = never reported. */
  quantity: number | null;
}

export interface GuardVerdict {
  /** The whole run is held. */
  held: boolean;
  reasons: ('total_swing' | 'pairs_swing')[];
  /** Keys of the pairs whose cards are flagged "check first". */
  heldPairs: string[];
  figures: { totalBefore: number; totalAfter: number; pairsBefore: number; pairsAfter: number };
}

/** What is kept of it with the run. */
export interface GuardNote extends Omit<GuardVerdict, 'heldPairs'> {
  heldPairs: CountPair[];
}

/**
 * `guard` of usage counts.
 *
 * @param input.settings as they are kept with the integration
 */
export function guardUsage(input: {
  previous: readonly PairQuantity[];
  next: readonly PairQuantity[];
  settings: unknown;
  firstRun: boolean;
}): GuardNote {
  const keyed = (entry: PairQuantity) => ({ key: keyOfPair(entry), quantity: entry.quantity });
  const verdict = guard({
    previous: input.previous.map(keyed),
    next: input.next.map(keyed),
    settings: swingSettings(input.settings),
    firstRun: input.firstRun,
  });
  return { ...verdict, heldPairs: verdict.heldPairs.map(pairOfKey) };
}

/**
 * Compares a run's numbers with the visible ones. A pair that the run lacks keeps its value, so that value counts on both sides.
 *
 * @param input.firstRun true when no run was ever applied: then nothing is held
 */
export function guard(input: {
  previous: readonly PairValue[];
  next: readonly PairValue[];
  settings: SwingSettings;
  firstRun: boolean;
}): GuardVerdict {
  const before = new Map(input.previous.map((pair) => [pair.key, pair.quantity]));
  const after = new Map([...before, ...input.next.map((pair) => [pair.key, pair.quantity] as const)]);
  const figures = {
    totalBefore: total(before),
    totalAfter: total(after),
    pairsBefore: above(before),
    pairsAfter: above(after),
  };
  if (input.firstRun) return { held: false, reasons: [], heldPairs: [], figures };

  const reasons: GuardVerdict['reasons'] = [];
  if (swings(figures.totalBefore, figures.totalAfter, input.settings.totalPercent)) reasons.push('total_swing');
  if (swings(figures.pairsBefore, figures.pairsAfter, input.settings.totalPercent)) reasons.push('pairs_swing');
  const heldPairs = [...after].flatMap(([key, quantity]) => {
    const old = before.get(key);
    if (old === undefined || old === null || quantity === null) return [];
    const far = Math.abs(quantity - old) > input.settings.pairUnits;
    return far && swings(old, quantity, input.settings.pairPercent) ? [key] : [];
  });
  return { held: reasons.length > 0, reasons, heldPairs, figures };
}

/** Whether a value moved by more than `percent` of its old value; from 0, any move is a swing. */
function swings(before: number, after: number, percent: number): boolean {
  return Math.abs(after - before) * 100 > before * percent;
}

function total(pairs: ReadonlyMap<string, number | null>): number {
  let sum = 0;
  for (const quantity of pairs.values()) sum += quantity ?? 0;
  return sum;
}

function above(pairs: ReadonlyMap<string, number | null>): number {
  let count = 0;
  for (const quantity of pairs.values()) if ((quantity ?? 0) > 0) count++;
  return count;
}
