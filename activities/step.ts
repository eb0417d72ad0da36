/**
 * How an activity does one step: mark it running, work, commit its effect and `done` together, once, and wake whom that
 * concerns. What the attempt fails with is noted in the step's row, and told to Temporal, here as well (failures.ts).
 */
import { ApplicationFailure } from '@temporalio/activity';
import type { Transaction } from '../db/client.ts';
import {
  beginStep,
  commitFact,
  finishStep,
  isBlocked,
  noteAlive,
  noteAnswer,
  noteProgress,
  type ProcessRef,
  type StepKey,
} from '../db/queries/process.ts';
import { lookAtProcess } from '../db/queries/processView.ts';
import type { Wakeable } from '../domain/process/ids.ts';
import type { ProcessView } from '../domain/process/steps.ts';
import { timingOf } from '../environment.ts';
import type { Dependencies } from './dependencies.ts';
import { alarmIfSilent } from './alarm.ts';
import { SupersededAttempt, tellFailure } from './failures.ts';

/** Which step of which round; the one argument of every step activity. */
export type StepRef = StepKey;

/** The step is not done yet, and is to be tried again after this many milliseconds. */
export interface Again {
  againInMs: number;
  because: string;
  /** What the rows say meanwhile, where that is worth showing. */
  view?: ProcessView;
}

/** What the rows say after it, so that the workflow need not look; or when to try again. */
export type StepResult = ProcessView | Again;

/** What a step commits together with its `done`. @returns whom to wake after the commit, if anybody */
export type Effect = (tx: Transaction) => Promise<readonly Wakeable[] | void>;

/**
 * @param work does what is outside the database and returns what to commit, when to try again, or nothing if there is
 *   more to do first
 * @throws ApplicationFailure with a code: the step is to be blocked, or Temporal is to run the activity again
 */
export async function performStep(
  deps: Dependencies,
  ref: StepRef,
  work: () => Promise<Effect | Again | undefined>,
): Promise<StepResult> {
  try {
    // An activity that succeeded runs again when its answer to Temporal was lost (measured): then there is nothing to do.
    const silentAttempts = await beginStep(deps.db, ref);
    if (silentAttempts === undefined) return await readProcessView(deps, ref);
    alarmIfSilent(deps, silentAttempts - 1);
    const effect = await work();
    if (typeof effect !== 'function') {
      await noteProgress(deps.db, ref);
      await noteAnswer(deps.db, ref);
      return effect ?? (await readProcessView(deps, ref));
    }
    const toWake = await deps.db.transaction(async (tx) => {
      // An attempt that was given up and comes late may finish a step that was blocked since: nobody would look again.
      if (await isBlocked(tx, ref)) await commitFact(tx, ref);
      if (!(await finishStep(tx, ref))) return [];
      const concerned = await effect(tx);
      await noteAlive(tx, ref);
      return concerned ?? [];
    });
    await wakeAll(deps, toWake);
    return await readProcessView(deps, ref);
  } catch (error) {
    return { ...(await tellFailure(deps, ref, error)), view: await readProcessView(deps, ref) };
  }
}

/** Wakes processes whose facts are committed. One that cannot be woken is no error: the sweep finds it. */
export async function wakeAll(deps: Dependencies, wakeables: readonly Wakeable[]): Promise<void> {
  for (const process of wakeables) {
    await deps
      .wake(process)
      .catch((error: unknown) => deps.logger.warn({ err: error, ...process }, 'not woken; the sweep will'));
  }
}

/** The rows of a process as its workflow may see them. */
export async function readProcessView(deps: Dependencies, { kind, id }: ProcessRef): Promise<ProcessView> {
  const found = await lookAtProcess(deps.db, { kind, id });
  if (!found) throw ApplicationFailure.nonRetryable(`There is no process ${kind} ${id}.`, 'no_such_process');
  const { integrationId, ...view } = found;
  return { ...view, fairnessKey: integrationId ?? id, timing: timingOf(deps.environment) };
}

/**
 * Commits one piece of a long step; false when another attempt has taken over, so that this one must stop.
 *
 * @param chunk stages it and moves the cursor that describes it, fenced by the attempt's number
 * @param options.progress false for a piece that the next attempt would stage again: a step that fails right after it
 *   each time has got nowhere, and is to be blocked as `unreachable` in the end
 */
export async function commitChunk(
  deps: Dependencies,
  ref: StepRef,
  chunk: (tx: Transaction) => Promise<boolean>,
  options: { progress: boolean } = { progress: true },
): Promise<void> {
  await deps.db.transaction(async (tx) => {
    if (!(await chunk(tx))) throw new SupersededAttempt();
    if (options.progress) await noteProgress(tx, ref);
  });
}
