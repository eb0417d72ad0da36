import { inArray, type SQL, type SQLWrapper } from 'drizzle-orm';
import type { Move } from '../../domain/transitions.ts';

/** A row is in a state that the event moves from. @param state its column */
export function mayMove(state: SQLWrapper, { from }: Move<string>): SQL {
  return inArray(state, [...from]);
}
