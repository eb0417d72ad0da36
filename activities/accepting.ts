/** Reads incomplete lists, where a person has accepted them for this round. */
import type { CallOptions } from '../connectors/vendor.ts';
import { findAcceptance } from '../db/queries/acceptance.ts';
import type { Acceptance } from '../domain/incomplete.ts';
import type { Dependencies } from './dependencies.ts';
import type { StepRef } from './step.ts';

export interface Accepting {
  acceptance: Acceptance;
  /** Describes what was wrong with the lists read so far. */
  lists: string[];
}

/**
 * @param steps the steps whose acceptance counts for this step too: two steps of a round that read the same lists share
 *   one acceptance
 * @returns `call` is passed to the connector with every list; `accepting` is undefined where nobody has accepted
 *   incomplete lists
 */
export async function acceptingOf(
  deps: Dependencies,
  ref: StepRef,
  steps: readonly string[] = [ref.step],
): Promise<{ call: Pick<CallOptions, 'accept'>; accepting: Accepting | undefined }> {
  const acceptance = await findAcceptance(deps.db, ref, steps);
  if (!acceptance) return { call: {}, accepting: undefined };
  const lists: string[] = [];
  return { call: { accept: (what) => void lists.push(what) }, accepting: { acceptance, lists } };
}
