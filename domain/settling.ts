/** What a re-read tells about a write that was sent and of which nobody knows whether the PSA took it (invariant 5). Pure. */
import type { PsaCaps } from './psaCaps.ts';
import { sameQuantity } from './quantities.ts';

/** The code of a line, and of the step that waits for it, of which a person has to say what the PSA holds. */
export const needsAnswer = 'needs_answer';

/**
 * `applied`: the line is at its target. Then, where writes are absolute: `conflict`, a third value or no line; `write_again`, the
 * old value; `todo`, the old value while writing is off; `not_taken`, the old value after two writes. Where they are differences:
 * `read_again`, and `ask` a person once it has been read for long enough.
 */
export type Settled = 'applied' | 'conflict' | 'write_again' | 'todo' | 'not_taken' | 'read_again' | 'ask';

/**
 * Where writes are differences nothing but the target settles a line: the PSA may show our write late, so that the old value does
 * not say that it was not taken, and a third value may be somebody else's change with ours still to come. A second difference
 * would then be added to the first.
 *
 * @param line what was signed off, and how often it was sent
 * @param current the quantity that was read; null = the PSA shows no such line
 * @param of.isOverdue the line has been read for as long as Countersign waits for the PSA to show the write
 */
export function settledBy(
  line: { from: number; to: number; claims: number },
  current: number | null,
  of: { writes: PsaCaps['writes']; decimals: number; isWritingOn: boolean; isOverdue: boolean },
): Settled {
  if (current !== null && sameQuantity(current, line.to, of.decimals)) return 'applied';
  if (of.writes === 'difference') return of.isOverdue ? 'ask' : 'read_again';
  if (current === null || !sameQuantity(current, line.from, of.decimals)) return 'conflict';
  if (!of.isWritingOn) return 'todo';
  return line.claims < 2 ? 'write_again' : 'not_taken';
}
