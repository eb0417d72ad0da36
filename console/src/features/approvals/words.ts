/** What the pages say of an approval. */
import type { Tone } from '../../ui/StatusWord.tsx';
import type { Approval } from './queries.ts';

export const approvalStates = ['requested', 'todo', 'closed'] as const satisfies readonly Approval['state'][];

/** The states that approvals are looked for by. */
export const wordOfState: Readonly<Record<Approval['state'], string>> = {
  requested: 'At work',
  todo: 'To do',
  closed: 'Over',
};

/** How it stands, in a word: what came to nothing is not good because it is over. */
export function endOf({ state, lines, counts, undone }: Approval): { tone: Tone; word: string } {
  const { applied, already, verified, conflict, rejected, replaced } = counts;
  if (state === 'requested') return { tone: 'busy', word: wordOfState.requested };
  if (conflict + rejected > 0)
    return applied + already + verified === 0
      ? { tone: 'bad', word: 'Came to nothing' }
      : { tone: 'care', word: 'Not all of it was written' };
  if (state === 'todo') return { tone: 'waiting', word: wordOfState.todo };
  if (undone > 0 && undone === lines) return { tone: 'quiet', word: 'Undone' };
  if (applied + already + verified > 0) return { tone: 'good', word: wordOfState.closed };
  return { tone: 'quiet', word: replaced > 0 ? 'Replaced by a newer approval' : 'Withdrawn' };
}
