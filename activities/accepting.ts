/** Reading lists that are not whole, where a person has accepted that for this round. */
import type { CallOptions } from '../connectors/vendor.ts';
import { findAcceptance } from '../db/queries/acceptance.ts';
import type { Acceptance } from '../domain/incomplete.ts';
import type { Dependencies } from './dependencies.ts';
import type { StepRef } from './step.ts';

export interface Accepting {
  acceptance: Acceptance;
  /** What was wrong with the lists read so far, in words. */
  lists: string[];
}

/**
 * @param steps whose acceptance counts for this one too: what two steps of a round read is one read
 * @returns `call` goes to the connector with every list; `accepting` is undefined where nobody has accepted anything
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
