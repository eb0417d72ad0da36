/** How an activity does one step: mark it running, work, then commit its effect and `done` together, once. */
import type { Transaction } from '../db/client.ts';
import {
  beginStep,
  commitFact,
  finishStep,
  isBlocked,
  noteAlive,
  noteProgress,
  type StepKey,
} from '../db/queries/process.ts';
import type { Dependencies } from './dependencies.ts';

/** Which step of which round; the one argument of every step activity. */
export type StepRef = StepKey;

/** Nothing: look again. Or: the step is not done yet and is to be tried again after this many milliseconds. */
export type StepResult = void | { againInMs: number; because: string };

/**
 * @param work does what is outside the database and returns what to commit, or nothing if there is more to do first
 */
export async function performStep(
  deps: Dependencies,
  ref: StepRef,
  work: () => Promise<((tx: Transaction) => Promise<void>) | undefined | void>,
): Promise<void> {
  // An activity that succeeded runs again when its answer to Temporal was lost (measured): then there is nothing to do.
  if (!(await beginStep(deps.db, ref))) return;
  const effect = await work();
  if (!effect) {
    await noteProgress(deps.db, ref);
    return;
  }
  await deps.db.transaction(async (tx) => {
    // An attempt that was given up and comes late may finish a step that was blocked since: nobody would look again.
    if (await isBlocked(tx, ref)) await commitFact(tx, ref);
    if (!(await finishStep(tx, ref))) return;
    await effect(tx);
    await noteAlive(tx, ref);
  });
}

/**
 * Commits one piece of a long step; false when another attempt has taken over, so that this one must stop.
 *
 * @param piece stages it and moves the cursor that describes it, fenced by the attempt's number
 * @param options.progress false for a piece that the next attempt would stage again: a step that fails right after it
 *   each time has got nowhere, and is to be blocked as `unreachable` in the end
 */
export async function commitPiece(
  deps: Dependencies,
  ref: StepRef,
  piece: (tx: Transaction) => Promise<boolean>,
  options: { progress: boolean } = { progress: true },
): Promise<void> {
  await deps.db.transaction(async (tx) => {
    if (!(await piece(tx))) throw new SupersededAttempt();
    if (options.progress) await noteProgress(tx, ref);
  });
}

/** A newer attempt of the same activity has taken over; whatever this one holds is to be dropped. */
export class SupersededAttempt extends Error {
  override readonly name = 'SupersededAttempt';
  constructor() {
    super('A newer attempt has taken over this step.');
  }
}
