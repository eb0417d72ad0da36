/**
 * The driver that every process shares: look at the rows, skip what is done, try what is automatic, and otherwise wait
 * for a `wake` or a timer (design.md "Processes as workflows"). Everything that must survive is in rows; what a workflow
 * remembers besides (`Memory`) only saves it from asking twice. So a workflow that is terminated anywhere and started
 * again finds its place.
 */
import {
  ActivityFailure,
  ApplicationFailure,
  condition,
  continueAsNew,
  defineSignal,
  isCancellation,
  patched,
  setHandler,
  workflowInfo,
  type ActivityFunctionWithOptions,
} from '@temporalio/workflow';
import type { Again, StepRef, StepResult } from '../activities/step.ts';
import { workflowInputOf } from '../domain/process/ids.ts';
import { stepLabels } from '../domain/process/labels.ts';
import { isFinished, type ProcessKind, type ProcessView, type StepOf, type StepView } from '../domain/process/steps.ts';
import { LocalActivityTurns, rows, rowsLocally } from './rowActivities.ts';
import { TemporalUi } from './temporalUi.ts';

/** "Facts changed, look again; try a blocked step again." The one message a process takes; also sent from the Temporal UI. */
export const wake = defineSignal('wake');

/** A history this long is left behind even if the server does not suggest it yet: approveUsage passes it about every 6,000 lines. */
const longHistory = 1_500;

type StepActivity = ActivityFunctionWithOptions<(ref: StepRef) => Promise<StepResult>>;

/** How a step is run. */
interface RunOptions {
  /** Temporal may not repeat it: what it sent may have been sent. */
  once?: boolean;
  /** The same as a local activity, for a step that is over in a moment: tried first, without the way through the server. */
  first?: (ref: StepRef) => Promise<StepResult>;
}

/** What the rows said, and how many wakes had come before they were asked. */
interface Look {
  view: ProcessView;
  wakes: number;
}

/** A branch of the body that waits. */
interface Wait {
  /** The version of the process when this branch last looked. */
  version: number;
  /** Milliseconds until its timer, or null when only a wake ends it. */
  timerMs: number | null;
}

/** All that a process's workflow remembers from one moment to the next. */
interface Memory {
  /**
   * How many wakes have come. Hazard: a wake may come between a look and the wait after it. So every loop reads this
   * number before it looks, and waits only while the number is still the same. Each loop keeps its own reading: with one
   * shared reading a branch would use up the wake that another branch beside it still needs.
   */
  wakes: number;
  /** How many branches of the body are at work. Hazard: the process may be parked only when all of them wait. */
  branchesAtWork: number;
  /** The newest look. The next step begins with it, unless a wake has come since. Hazard: it is of one round only. */
  latest: Look | undefined;
  /** Steps that this pass over the body has seen finished, by round: one that is to be done again lies behind the body. */
  readonly passed: Set<string>;
  /** The look from before the newest claim. A request that came after it, and whose wake was lost, is left to the sweep. */
  beforeClaim: Look | undefined;
  /** The wake count that had been seen when the finished process was parked; a higher count means: look again. */
  wakesWhenParked: number | undefined;
  /** The branches that wait, by step. */
  readonly waits: Map<string, Wait>;
}

class Process<K extends ProcessKind> {
  private readonly kind: K;
  private readonly id: string;
  private readonly ui = new TemporalUi();
  private readonly local = new LocalActivityTurns();
  private readonly memory: Memory = {
    wakes: 0,
    branchesAtWork: 0,
    latest: undefined,
    passed: new Set(),
    beforeClaim: undefined,
    wakesWhenParked: undefined,
    waits: new Map(),
  };

  constructor(kind: K, id: string) {
    this.kind = kind;
    this.id = id;
  }

  /** A wake has come. */
  wake(): void {
    this.memory.wakes++;
  }

  /**
   * Waits until `step` was completed by somebody else: a person, the vendor, or another process.
   *
   * @param remind is run whenever that person is due to be reminded (`remindInMs`); it sets the next time
   */
  async until(step: StepOf<K>, remind?: ActivityFunctionWithOptions<(ref: StepRef) => Promise<void>>): Promise<void> {
    await this.branch(async () => {
      for (;;) {
        const { view, wakes: seen } = await this.lookOrLatest();
        const row = stepIn(view, step);
        if (await this.isPast(view, row)) return;
        const remindInMs = remind && row.remindInMs !== undefined ? row.remindInMs : null;
        if (remind && remindInMs !== null && remindInMs <= 0) {
          const summary = `${stepLabels[step].title}: remind of it`;
          await remind.executeWithOptions({ summary }, [this.ref(view.round, step)]);
          this.memory.latest = undefined;
          continue;
        }
        await this.wait(step, seen, view.version, remindInMs, remindInMs === null ? waitingFor(row) : 'remind of it');
      }
    });
  }

  /**
   * Runs an automatic step until its row is done: `activity` commits its effect and `done` together, and answers with
   * what the rows say then. A permanent failure blocks the step; so does a transient one that outlasted its limit, which
   * then tries again by itself.
   */
  async run(step: StepOf<K>, activity: StepActivity, options: RunOptions = {}): Promise<void> {
    await this.branch(async () => {
      for (;;) {
        const { view, wakes: seen } = await this.lookOrLatest();
        const row = stepIn(view, step);
        if (await this.isPast(view, row)) return;
        const gapMs = view.timing.blockedGapMs - (row.blockedForMs ?? Number.POSITIVE_INFINITY);
        if (row.state === 'blocked' && gapMs > 0) {
          await condition(() => false, gapMs, { summary: `${stepLabels[step].title}: a short gap between two tries` });
        }
        const outcome = await this.attempt(step, view, activity, options);
        if (outcome === 'over') {
          // A step of thousands of pieces never waits. (Patched: a run of before may be longer, and went on.)
          if (this.memory.branchesAtWork === 1 && this.isLong() && patched('leave-long-history-at-work'))
            await continueAsNew(this.input());
          continue;
        }
        if (outcome === 'unfinished') {
          const { view: failed } = await this.look();
          await this.wait(step, seen, view.version, pauseMs(failed, step), 'the last try did not finish');
          continue;
        }
        if ('againInMs' in outcome) {
          await this.wait(step, seen, view.version, outcome.againInMs, outcome.because);
          continue;
        }
        await rows.block.executeWithOptions({ summary: `${stepLabels[step].title}: blocked` }, [
          { ...this.ref(view.round, step), code: outcome.code },
        ]);
        const { view: blocked } = await this.look();
        if (isFinished(stepIn(blocked, step).state)) return;
        // The version from before the try: a fact that came during it (new credentials, for one) was not tried yet.
        await this.wait(
          step,
          seen,
          view.version,
          stepIn(blocked, step).retryInMs ?? null,
          `blocked (${outcome.code}); tries again by itself`,
        );
      }
    });
  }

  /** Commits the need for a round of another process, wakes that process, and waits until it has satisfied the need. */
  async need(step: StepOf<K>, other: 'refreshPsa' | 'sync'): Promise<void> {
    await this.branch(async () => {
      const { view } = await this.lookOrLatest();
      if (await this.isPast(view, stepIn(view, step))) return;
      await rows.registerNeed.executeWithOptions({ summary: `${stepLabels[step].title}: ask for it` }, [
        { ...this.ref(view.round, step), other },
      ]);
    });
    // A round that is applied already satisfies the need at once, and no wake says so.
    this.memory.latest = undefined;
    await this.until(step);
  }

  /**
   * Makes the next round from what is open.
   *
   * @param first the same as a local activity, tried first
   * @returns false when nothing is open
   */
  async claim(
    activity: ActivityFunctionWithOptions<(id: string) => Promise<string | null>>,
    first?: (id: string) => Promise<string | null>,
  ): Promise<boolean> {
    this.memory.beforeClaim = await this.lookOrLatest();
    const visibly = () =>
      activity.executeWithOptions(
        // Short, because a worker that dies in it says nothing, and somebody may have asked for a sync just now.
        { summary: 'Is there anything to do?', startToCloseTimeout: '10 seconds' },
        [this.id],
      );
    const round = await (first ? this.local.tryFirst(() => first(this.id), visibly) : visibly());
    // The latest look belongs to the round before this one.
    this.memory.latest = undefined;
    return round !== null;
  }

  /** The body is gone through from its beginning. */
  begin(): void {
    this.memory.passed.clear();
  }

  /**
   * Parks a finished process, if no fact arrived meanwhile. Where rounds are claimed, what counts as seen is the look from
   * before the newest claim.
   */
  async rest(): Promise<void> {
    const { view, wakes } = this.memory.beforeClaim ?? (await this.lookOrLatest());
    // If it cannot be parked, a fact without a wake has arrived: then the rows have to be asked again.
    this.memory.latest = undefined;
    this.memory.wakesWhenParked = (await this.parkAt(view.version, null, 'Done for now')) ? wakes : undefined;
  }

  /** Whether it is parked, and no wake has come since. */
  isAtRest(): boolean {
    return this.memory.wakesWhenParked === this.memory.wakes;
  }

  /** What the rows say now; shows it in the Temporal UI. */
  private async look(): Promise<Look> {
    const { wakes } = this.memory;
    const ref = { kind: this.kind, id: this.id };
    const view = await this.local.tryFirst(
      () => rowsLocally.look(ref),
      () => rows.look.executeWithOptions({ summary: 'Look where it stands' }, [ref]),
    );
    return this.remember({ view, wakes });
  }

  private remember(look: Look): Look {
    this.memory.latest = look;
    this.ui.show(look.view);
    return look;
  }

  /** The latest look, or a new one if a wake has come since. */
  private async lookOrLatest(): Promise<Look> {
    const { latest, wakes } = this.memory;
    return latest?.wakes === wakes ? latest : this.look();
  }

  /**
   * Whether a step is finished. If an earlier step is to be done again (the integration was disconnected, and is connected
   * again), the whole process begins anew: the body has gone past that step and would not come back to it.
   */
  private async isPast(view: ProcessView, row: StepView): Promise<boolean> {
    const key = ({ step }: StepView) => `${view.round} ${step}`;
    const reopened = view.steps.some((other) => this.memory.passed.has(key(other)) && !isFinished(other.state));
    // Not while a branch beside this one is at work: its activity would be abandoned.
    if (reopened && this.memory.branchesAtWork === 1) await continueAsNew(this.input());
    if (!isFinished(row.state)) return false;
    this.memory.passed.add(key(row));
    return true;
  }

  private isLong(): boolean {
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    return continueAsNewSuggested || historyLength > longHistory;
  }

  private input() {
    return workflowInputOf(this.kind, this.id);
  }

  private ref(round: string, step: StepOf<K>): StepRef {
    return { kind: this.kind, id: this.id, round, step };
  }

  private async branch(body: () => Promise<void>): Promise<void> {
    this.memory.branchesAtWork++;
    try {
      await body();
    } finally {
      this.memory.branchesAtWork--;
    }
    // A branch beside this one may have begun to wait while this one was at work: then nobody has parked the process yet.
    if (this.memory.branchesAtWork === 0 && this.memory.waits.size > 0) await this.park();
  }

  private async attempt(
    step: StepOf<K>,
    view: ProcessView,
    activity: StepActivity,
    { once, first }: RunOptions,
  ): Promise<'over' | 'unfinished' | Again | { code: string }> {
    const { timing } = view;
    const { wakes, latest } = this.memory;
    try {
      const ref = this.ref(view.round, step);
      const visibly = () =>
        activity.executeWithOptions(
          {
            summary: stepLabels[step].title,
            startToCloseTimeout: timing.attemptMs,
            heartbeatTimeout: timing.heartbeatMs,
            retry: once
              ? { maximumAttempts: 1 }
              : { initialInterval: timing.firstRetryMs, backoffCoefficient: 2, maximumInterval: timing.maxRetryMs },
            priority: { fairnessKey: view.fairnessKey },
          },
          [ref],
        );
      const result = await (first ? this.local.tryFirst(() => first(ref), visibly) : visibly());
      if ('againInMs' in result) {
        if (result.view && this.memory.latest === latest) this.remember({ view: result.view, wakes });
        return result;
      }
      if (this.memory.latest === latest) this.remember({ view: result, wakes });
      // A branch beside this one has looked since, perhaps later than the activity did.
      else this.memory.latest = undefined;
      return 'over';
    } catch (failure) {
      if (isCancellation(failure) || !(failure instanceof ActivityFailure)) throw failure;
      const answer = failure.cause;
      // A timeout alone means that no worker was there, or that it died: nobody answered, so it runs again. So does a
      // passing failure of an activity that Temporal may not repeat by itself (`once`).
      if (!(answer instanceof ApplicationFailure) || !answer.nonRetryable) return 'unfinished';
      return { code: answer.type ?? 'unexpected' };
    }
  }

  private async wait(
    step: StepOf<K>,
    seen: number,
    version: number,
    timerMs: number | null,
    label: string,
  ): Promise<void> {
    const { memory } = this;
    memory.waits.set(step, { version, timerMs });
    memory.branchesAtWork--;
    try {
      if (memory.branchesAtWork === 0) await this.park();
      if (memory.branchesAtWork === 0 && this.isLong()) await continueAsNew(this.input());
      const woken = () => memory.wakes !== seen;
      if (timerMs === null) await condition(woken);
      else if (!(await condition(woken, timerMs, { summary: `${stepLabels[step].title}: ${label}` }))) {
        // What the timer was set for may be there now, and no wake says so.
        memory.latest = undefined;
      }
    } finally {
      memory.branchesAtWork++;
      memory.waits.delete(step);
    }
  }

  /** `due_at` = the next timer of all waits, only if no fact arrived since the oldest of them looked. */
  private async park(): Promise<void> {
    const waits = [...this.memory.waits.values()];
    const timers = waits.flatMap((wait) => (wait.timerMs === null ? [] : [wait.timerMs]));
    const version = Math.min(...waits.map((wait) => wait.version));
    const dueInMs = timers.length > 0 ? Math.min(...timers) : null;
    if (!this.isParked(version, dueInMs)) await this.parkAt(version, dueInMs, 'Wait');
  }

  /** Whether the latest look found it parked so: a new customer begins parked, and a wake without a fact changes nothing. */
  private isParked(version: number, dueInMs: number | null): boolean {
    const view = this.memory.latest?.view;
    if (view?.version !== version) return false;
    if (view.dueInMs === null || dueInMs === null) return view.dueInMs === dueInMs;
    return Math.abs(view.dueInMs - dueInMs) < 1_000;
  }

  private async parkAt(version: number, dueInMs: number | null, summary: string): Promise<boolean> {
    const parking = { kind: this.kind, id: this.id, version, dueInMs };
    return this.local.tryFirst(
      () => rowsLocally.park(parking),
      () => rows.park.executeWithOptions({ summary }, [parking]),
    );
  }
}

export type { Process };

/**
 * Drives one process from its rows until every step is finished and no fact has arrived meanwhile.
 *
 * @param kind which process
 * @param id its business id; the workflow's id is made from it
 * @param body the steps in order
 */
export async function processOf<K extends ProcessKind>(
  kind: K,
  id: string,
  body: (process: Process<K>) => Promise<void>,
): Promise<void> {
  const driver = new Process(kind, id);
  setHandler(wake, () => driver.wake());
  do {
    driver.begin();
    await body(driver);
    await driver.rest();
    // Nothing may be awaited between this check and the return: the server refuses a close that races with a Signal
    // only if the Signal came after the last workflow task began (measured: 0 of 480 lost this way, 6 of 600 otherwise).
  } while (!driver.isAtRest());
}

function stepIn(view: ProcessView, step: string): StepView {
  const row = view.steps.find((candidate) => candidate.step === step);
  // A step that this round does not have was never needed.
  return row ?? { step, state: 'skipped' };
}

/** The longer a step has been failing in passing, the longer the pause; never longer than the longest one. */
function pauseMs(view: ProcessView, step: string): number {
  const { firstRetryMs, maxRetryMs } = view.timing;
  return Math.min(maxRetryMs, Math.max(firstRetryMs, stepIn(view, step).failingForMs ?? 0));
}

function waitingFor(row: StepView): string {
  return row.waitsOn ? `waits for ${row.waitsOn.workflowId}` : 'waits';
}
