import { expect, test } from 'vitest';
import { lives, type Move } from '../../domain/transitions.ts';

/** The states that a row never leaves. */
const finals: Record<keyof typeof lives, readonly string[]> = {
  step: [],
  approvalBatch: ['closed'],
  approvalLine: ['applied', 'already', 'conflict', 'rejected', 'verified', 'withdrawn', 'replaced'],
  alert: [],
  onboarding: [],
  syncRun: ['applied', 'discarded', 'superseded'],
  pushStatus: [],
  psaRefresh: ['applied', 'discarded'],
};

const subjects = Object.keys(lives) as (keyof typeof lives)[];
const movesOf = (subject: keyof typeof lives): Move<string>[] => Object.values(lives[subject].moves);

test.for(subjects)('every state of one %s is reached from what it begins as', (subject) => {
  const reached = new Set<string>(lives[subject].begins);
  // A set that grows while it is gone through: what is added is gone through too.
  for (const state of reached) for (const { from, to } of movesOf(subject)) if (from.includes(state)) reached.add(to);
  expect([...reached].toSorted()).toEqual([...lives[subject].states].toSorted());
});

test.for(subjects)('of the states of one %s only those that are final have no way out', (subject) => {
  const left = new Set(movesOf(subject).flatMap(({ from, to }) => from.filter((state) => state !== to)));
  expect(lives[subject].states.filter((state) => !left.has(state))).toEqual(finals[subject]);
});

test('a move that is named like the state it leads to leads there', () => {
  const misnamed = subjects.flatMap((subject) => {
    const states: readonly string[] = lives[subject].states;
    const moves = Object.entries<Move<string>>(lives[subject].moves);
    return moves.filter(([name, { to }]) => states.includes(name) && name !== to);
  });
  expect(misnamed).toEqual([]);
});
