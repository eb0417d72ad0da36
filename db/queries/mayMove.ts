import { inArray, type SQL, type SQLWrapper } from 'drizzle-orm';
import type { Move } from '../../domain/transitions.ts';

/** The condition that a row is in a state from which the event moves. @param state the row's state column */
export function mayMove(state: SQLWrapper, { from }: Move<string>): SQL {
  return inArray(state, [...from]);
}
