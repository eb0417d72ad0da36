/**
 * How an activity performs one step: it marks the step running, does the work, commits the step's effect and `done`
 * together, exactly once, and wakes the processes that the change concerns. When an attempt fails, the failure is noted
 * in the step's row and reported to Temporal here as well (failures.ts).
 */
import { ApplicationFailure } from '@temporalio/activity';
import type { Actor, Command } from '../commands/actor.ts';
import { nameOfVendor, settingsOf } from '../connectors/registry.ts';
import type { Transaction } from '../db/client.ts';
import {
  beginStep,
  commitFact,
  finishStep,
  isBlocked,
  noteAlive,
  noteAnswer,
  noteProgress,
  ownerOf,
  type ProcessRef,
  type StepKey,
} from '../db/queries/process.ts';
import { lookAtProcess } from '../db/queries/processView.ts';
import type { Wakeable } from '../domain/process/ids.ts';
import type { Whose } from '../domain/process/remedies.ts';
import type { ProcessView } from '../domain/process/steps.ts';
import { timingOf, valuesByName } from '../environment.ts';
import type { Dependencies } from './dependencies.ts';
import { alarmIfSilent } from './alarm.ts';
import { SupersededAttempt, tellFailure } from './failures.ts';

/** Names a step of a round of a process; the only argument of every step activity. */
export type StepRef = StepKey;

/** The step is not done yet, and is to be tried again after `againInMs` milliseconds. */
export interface Again {
  againInMs: number;
  because: string;
  /** The process's rows at the moment of waiting, where they are worth showing. */
  view?: ProcessView;
}

/** The process's rows after the step, so that the workflow need not read them; or when to try again. */
export type StepResult = ProcessView | Again;

/** What a step commits together with its `done`. @returns the processes to wake after the commit, if any */
export type Effect = (tx: Transaction) => Promise<readonly Wakeable[] | void>;

/** Makes a command the effect of a step. */
export function effectOf<Input>(command: Command<Input>, actor: Actor, input: Input): Effect {
  return async (tx) => (await command(tx, actor, input)).toWake;
}

/** Another attempt has finished the step: this attempt's effect is rolled back. */
class AlreadyFinished extends Error {}

/**
 * @param work does the step's work outside the database; returns what to commit, when to try again, or nothing if there
 *   is more to do first
 * @throws ApplicationFailure with a code: the step is to be blocked, or Temporal is to run the activity again
 */
export async function performStep(
  deps: Dependencies,
  ref: StepRef,
  work: () => Promise<Effect | Again | undefined>,
): Promise<StepResult> {
  try {
    // Temporal runs a successful activity again when it lost the activity's answer (measured): then there is nothing to
    // do.
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
      // The effect comes first: a person's change locks the integration's rows before it locks a step's row, and this
      // transaction must lock them in the same order, or the two wait for each other in a circle.
      const concerned = await effect(tx);
      // An abandoned attempt that arrives late may finish a step that was blocked since. The process is told to look
      // again, because nothing else would make it look.
      if (await isBlocked(tx, ref)) await commitFact(tx, ref);
      if (!(await finishStep(tx, ref))) throw new AlreadyFinished();
      await noteAlive(tx, ref);
      return concerned ?? [];
    });
    await wakeAll(deps, toWake);
    return await readProcessView(deps, ref);
  } catch (error) {
    if (error instanceof AlreadyFinished) return readProcessView(deps, ref);
    const again = await tellFailure(deps, ref, error, () => wakeOwn(deps, ref));
    return { ...again, view: await readProcessView(deps, ref) };
  }
}

/** Wakes processes whose facts are committed. Failing to wake one is no error: the sweep finds it. */
export async function wakeAll(deps: Dependencies, wakeables: readonly Wakeable[]): Promise<void> {
  for (const processRef of wakeables) {
    await deps
      .wake(processRef)
      .catch((error: unknown) => deps.logger.warn({ err: error, ...processRef }, 'not woken; the sweep will'));
  }
}

/** Makes a step's own process look again while the step is at work. */
export async function wakeOwn(deps: Dependencies, ref: ProcessRef): Promise<void> {
  const owner = await ownerOf(deps.db, ref);
  if (owner) await wakeAll(deps, [owner]);
}

/** Returns the rows of a process in the form that its workflow may see. */
export async function readProcessView(deps: Dependencies, { kind, id }: ProcessRef): Promise<ProcessView> {
  const found = await lookAtProcess(deps.db, { kind, id });
  if (!found) throw ApplicationFailure.nonRetryable(`There is no process ${kind} ${id}.`, 'no_such_process');
  const { integrationId, psaKind, ...view } = found;
  const { PUBLIC_URL: consoleAt } = deps.environment;
  return {
    ...view,
    ...(view.stops && consoleAt ? { consoleAt } : {}),
    whose: withVendorName(deps, view.whose),
    steps: view.steps.map((step) =>
      step.missing ? { ...step, missing: settingsOf(psaKind ?? undefined, step.missing) } : step,
    ),
    fairnessKey: integrationId ?? id,
    timing: timingOf(deps.environment),
  };
}

function withVendorName({ environment }: Dependencies, whose: Whose): Whose {
  const { vendor } = whose;
  return vendor === undefined
    ? whose
    : { ...whose, vendor: nameOfVendor(vendor, valuesByName(environment.VENDOR_NAMES)) };
}

/**
 * Commits one chunk of a long step; throws SupersededAttempt when a newer attempt has taken over.
 *
 * @param chunk stages the rows and moves the cursor that describes them, fenced by the attempt's number; answers false
 *   when a newer attempt has taken over
 * @param options.progress false for a chunk that the next attempt would stage again: a step that fails right after such
 *   a chunk each time makes no progress, and is to be blocked as `unreachable` in the end
 */
export async function commitChunk(
  deps: Dependencies,
  ref: StepRef,
  chunk: (tx: Transaction) => Promise<boolean>,
  options: { progress: boolean } = { progress: true },
): Promise<void> {
  const wasShown = await deps.db.transaction(async (tx) => {
    if (!(await chunk(tx))) throw new SupersededAttempt();
    return options.progress && (await noteProgress(tx, ref));
  });
  if (wasShown) await wakeOwn(deps, ref);
}
