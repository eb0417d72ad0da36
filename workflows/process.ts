/**
 * The step machinery every process shares: look at the rows, skip what is done, try what is automatic, otherwise wait
 * for a `wake` or a timer (design.md "Processes as workflows"). Nothing is kept in the workflow that is not in a row,
 * so terminating it anywhere and starting it again finds its place.
 */
import {
  ActivityFailure,
  ApplicationFailure,
  condition,
  continueAsNew,
  defineSignal,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  upsertMemo,
  upsertSearchAttributes,
  workflowInfo,
  type ActivityFunctionWithOptions,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { Again, StepRef, StepResult } from '../activities/step.ts';
import {
  isFinished,
  problemOf,
  stepWords,
  workflowInputOf,
  type ProcessKind,
  type ProcessView,
  type StepOf,
  type StepView,
} from '../domain/process.ts';
import { searchAttributes } from '../temporal/searchAttributes.ts';

/** "Facts changed, look again; try a blocked step again." The one message a process takes; also sent from the Temporal UI. */
export const wake = defineSignal('wake');

const store = proxyActivities<Pick<Activities, 'look' | 'park' | 'block' | 'registerNeed'>>({
  // Short and against PostgreSQL only: it is tried until PostgreSQL is back.
  startToCloseTimeout: '10 seconds',
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '10s' },
});

/** The same two without the way through the server, which takes longer than they do. */
const atOnce = proxyLocalActivities<Pick<Activities, 'look' | 'park'>>({
  startToCloseTimeout: '2 seconds',
  retry: { maximumAttempts: 1 },
});

/** A history this long is left behind even if the server does not suggest it yet: approveUsage passes it about every 2,000 lines. */
const longHistory = 1_500;

type StepActivity = ActivityFunctionWithOptions<(ref: StepRef) => Promise<StepResult>>;

/** How a step is run. */
interface RunOptions {
  /** Temporal may not repeat it: what it sent may have been sent. */
  once?: boolean;
  /** The same as a local activity, for a step that is over in a moment: tried first, without the way through the server. */
  first?: (ref: StepRef) => Promise<StepResult>;
}

/** What the rows said, and the wakes that had come before they were asked. */
interface Look {
  view: ProcessView;
  wakes: number;
}

interface Wait {
  /** The process's version this wait has seen. */
  version: number;
  /** Milliseconds until its timer, or null when only a wake ends it. */
  timerMs: number | null;
}

class Process<K extends ProcessKind> {
  /** Wakes so far. Each look remembers its own earlier reading, so that steps side by side lose none. */
  wakes = 0;
  /** Branches at work; only when all wait is the process parked. */
  private active = 0;
  /** The last look: the next step begins with it if no wake has come since. */
  private latest: Look | undefined;
  /** What this body has gone past: steps that it saw finished, by round. */
  private readonly passed = new Set<string>();
  /** What was there before the last claim of a round. */
  private claimed: Look | undefined;
  /** The wakes that what it rests on had seen; undefined while it does not rest. */
  private restedAt: number | undefined;
  private readonly waits = new Map<string, Wait>();
  /** The local activity under way, if there is one. */
  private turn: Promise<unknown> = Promise.resolve();
  /** A run that continues another has its attributes: what they say is shown already. */
  private shown = { details: '', problem: workflowInfo().typedSearchAttributes.get(searchAttributes.problem) ?? '' };
  private readonly kind: K;
  private readonly id: string;

  constructor(kind: K, id: string) {
    this.kind = kind;
    this.id = id;
  }

  /**
   * Waits until `step` was completed by somebody else: a person, the vendor, or another process.
   *
   * @param remind run each time it is due to remind him (`remindInMs`); it sets the next time
   */
  async until(step: StepOf<K>, remind?: ActivityFunctionWithOptions<(ref: StepRef) => Promise<void>>): Promise<void> {
    await this.branch(async () => {
      for (;;) {
        const { view, wakes: seen } = await this.lookOrLatest();
        const row = stepIn(view, step);
        if (await this.isPast(view, row)) return;
        const remindInMs = remind && row.remindInMs !== undefined ? row.remindInMs : null;
        if (remind && remindInMs !== null && remindInMs <= 0) {
          const summary = `${stepWords[step].title}: remind of it`;
          await remind.executeWithOptions({ summary }, [this.ref(view.round, step)]);
          this.latest = undefined;
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
          await condition(() => false, gapMs, { summary: `${stepWords[step].title}: a short gap between two tries` });
        }
        const outcome = await this.attempt(step, view, activity, options);
        if (outcome === 'over') continue;
        if (outcome === 'unfinished') {
          const { view: failed } = await this.look();
          await this.wait(step, seen, view.version, pauseMs(failed, step), 'the last try did not finish');
          continue;
        }
        if ('againInMs' in outcome) {
          await this.wait(step, seen, view.version, outcome.againInMs, outcome.because);
          continue;
        }
        await store.block.executeWithOptions({ summary: `${stepWords[step].title}: blocked` }, [
          { ...this.ref(view.round, step), code: outcome.code },
        ]);
        const { view: blocked } = await this.look();
        if (isFinished(stepIn(blocked, step).state)) return;
        // Parked with what was seen before the try: a fact that came during it, new credentials for one, was not tried.
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

  /** Commits the need for a round of another process, wakes it, and waits until it has satisfied the need. */
  async need(step: StepOf<K>, other: ProcessKind): Promise<void> {
    await this.branch(async () => {
      const { view } = await this.lookOrLatest();
      if (await this.isPast(view, stepIn(view, step))) return;
      await store.registerNeed.executeWithOptions({ summary: `${stepWords[step].title}: ask for it` }, [
        { ...this.ref(view.round, step), other },
      ]);
    });
    // A round that is applied already has met it at once, without a wake.
    this.latest = undefined;
    await this.until(step);
  }

  /**
   * The round to drive next, made from what is open; false when nothing is.
   *
   * @param first the same as a local activity, tried first
   */
  async claim(
    activity: ActivityFunctionWithOptions<(id: string) => Promise<string | null>>,
    first?: (id: string) => Promise<string | null>,
  ): Promise<boolean> {
    this.claimed = await this.lookOrLatest();
    const untilItWorks = () =>
      activity.executeWithOptions(
        // Of a worker that died in it nothing is heard: short, because somebody may have asked for a sync just now.
        { summary: 'Is there anything to do?', startToCloseTimeout: '10 seconds' },
        [this.id],
      );
    const round = await (first ? this.shortly(() => first(this.id), untilItWorks) : untilItWorks());
    // What was seen is of the round before.
    this.latest = undefined;
    return round !== null;
  }

  /** The body is gone through from its beginning. */
  begin(): void {
    this.passed.clear();
  }

  /** What the rows say now; shows it in the Temporal UI. */
  private async look(): Promise<Look> {
    const { wakes } = this;
    const ref = { kind: this.kind, id: this.id };
    const view = await this.shortly(
      () => atOnce.look(ref),
      () => store.look.executeWithOptions({ summary: 'Look where it stands' }, [ref]),
    );
    return this.see({ view, wakes });
  }

  private see(look: Look): Look {
    this.latest = look;
    this.show(look.view);
    return look;
  }

  /** Where the step before has just looked there is nothing new to see, unless a wake came since. */
  private async lookOrLatest(): Promise<Look> {
    return this.latest?.wakes === this.wakes ? this.latest : this.look();
  }

  /**
   * Parks a finished body, if no fact arrived meanwhile. What counts as seen is what was there before the last claim: a
   * request that came after it, and whose wake was lost, is then found by the sweep.
   */
  async rest(): Promise<void> {
    const { view, wakes } = this.claimed ?? (await this.lookOrLatest());
    // Should it not rest, a fact without a wake has arrived.
    this.latest = undefined;
    this.restedAt = (await this.parkAt(view.version, null, 'Done for now')) ? wakes : undefined;
  }

  /** Whether it is parked, and no wake has come that what it rests on had not seen. */
  isAtRest(): boolean {
    return this.restedAt === this.wakes;
  }

  /**
   * Whether a step is finished. Where an earlier one is to be done again (connected again after it was disconnected), the
   * process begins anew: the body has gone past that step and would not come to it.
   */
  private async isPast(view: ProcessView, row: StepView): Promise<boolean> {
    const key = ({ step }: StepView) => `${view.round} ${step}`;
    const reopened = view.steps.some((other) => this.passed.has(key(other)) && !isFinished(other.state));
    // Not beside a branch at work, whose activity would be left alone.
    if (reopened && this.active === 1) await continueAsNew(workflowInputOf(this.kind, this.id));
    if (!isFinished(row.state)) return false;
    this.passed.add(key(row));
    return true;
  }

  private ref(round: string, step: StepOf<K>): StepRef {
    return { kind: this.kind, id: this.id, round, step };
  }

  private async branch(body: () => Promise<void>): Promise<void> {
    this.active++;
    try {
      await body();
    } finally {
      this.active--;
    }
    // A branch beside this one may have begun to wait while we were at work: then nobody has parked yet.
    if (this.active === 0 && this.waits.size > 0) await this.park();
  }

  private async attempt(
    step: StepOf<K>,
    view: ProcessView,
    activity: StepActivity,
    { once, first }: RunOptions,
  ): Promise<'over' | 'unfinished' | Again | { code: string }> {
    const { timing } = view;
    const { wakes, latest } = this;
    try {
      const ref = this.ref(view.round, step);
      const visibly = () =>
        activity.executeWithOptions(
          {
            summary: stepWords[step].title,
            startToCloseTimeout: timing.attemptMs,
            heartbeatTimeout: timing.heartbeatMs,
            retry: once
              ? { maximumAttempts: 1 }
              : { initialInterval: timing.firstRetryMs, backoffCoefficient: 2, maximumInterval: timing.maxRetryMs },
            priority: { fairnessKey: view.fairnessKey },
          },
          [ref],
        );
      const result = await (first ? this.shortly(() => first(ref), visibly) : visibly());
      if ('againInMs' in result) return result;
      if (this.latest === latest) this.see({ view: result, wakes });
      // A branch beside this one has looked since, perhaps later than the activity did.
      else this.latest = undefined;
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
    words: string,
  ): Promise<void> {
    this.waits.set(step, { version, timerMs });
    this.active--;
    try {
      if (this.active === 0) await this.park();
      const info = workflowInfo();
      if (this.active === 0 && (info.continueAsNewSuggested || info.historyLength > longHistory)) {
        await continueAsNew(workflowInputOf(this.kind, this.id));
      }
      const woken = () => this.wakes !== seen;
      if (timerMs === null) await condition(woken);
      else if (!(await condition(woken, timerMs, { summary: `${stepWords[step].title}: ${words}` }))) {
        // What the timer was for may be there now, and no wake says so.
        this.latest = undefined;
      }
    } finally {
      this.active++;
      this.waits.delete(step);
    }
  }

  /** `due_at` = the next timer of all waits, only if no fact arrived since the oldest of them looked. */
  private async park(): Promise<void> {
    const waits = [...this.waits.values()];
    const timers = waits.flatMap((wait) => (wait.timerMs === null ? [] : [wait.timerMs]));
    const version = Math.min(...waits.map((wait) => wait.version));
    const dueInMs = timers.length > 0 ? Math.min(...timers) : null;
    if (!this.isParked(version, dueInMs)) await this.parkAt(version, dueInMs, 'Wait');
  }

  /** Whether the last look found it so: a new customer begins parked, and a wake without a fact changes nothing. */
  private isParked(version: number, dueInMs: number | null): boolean {
    const view = this.latest?.view;
    if (view?.version !== version) return false;
    if (view.dueInMs === null || dueInMs === null) return view.dueInMs === dueInMs;
    return Math.abs(view.dueInMs - dueInMs) < 1_000;
  }

  private async parkAt(version: number, dueInMs: number | null, summary: string): Promise<boolean> {
    const parking = { kind: this.kind, id: this.id, version, dueInMs };
    return this.shortly(
      () => atOnce.park(parking),
      () => store.park.executeWithOptions({ summary }, [parking]),
    );
  }

  /**
   * Tries once in the workflow's own task; what fails there is tried until it works where the Temporal UI shows it. One at a
   * time: of two local activities that end at nearly the same moment a replay may see the other one end first (seen in a
   * recorded history).
   */
  private async shortly<T>(once: () => Promise<T>, untilItWorks: () => Promise<T>): Promise<T> {
    const mine = this.turn.then(once);
    this.turn = mine.catch(() => undefined);
    try {
      return await mine;
    } catch (failure) {
      if (isCancellation(failure)) throw failure;
      return untilItWorks();
    }
  }

  private show(view: ProcessView): void {
    const details = detailsOf(view);
    if (details !== this.shown.details) setCurrentDetails(details);
    // Its own problem only: who asks for what is blocked finds what he can free, not all that wait for it.
    const problem = view.steps.map((step) => step.problem).find(Boolean) ?? '';
    if (problem !== this.shown.problem) {
      upsertSearchAttributes([
        { key: searchAttributes.blocked, value: problem !== '' },
        { key: searchAttributes.problem, value: problem || null },
      ]);
      upsertMemo({ problem: problem || null });
    }
    this.shown = { details, problem };
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
  const process = new Process(kind, id);
  setHandler(wake, () => {
    process.wakes++;
  });
  do {
    process.begin();
    await body(process);
    await process.rest();
    // Nothing may be awaited between this check and the return: the server refuses a close that races with a Signal
    // only if the Signal came after the last workflow task began (measured: 0 of 480 lost this way, 6 of 600 otherwise).
  } while (!process.isAtRest());
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

/** What the Temporal UI shows as "Current Details": first what happens now, then every step that is needed. */
function detailsOf(view: ProcessView): string {
  const needed = view.steps.filter((row) => row.state !== 'skipped');
  const now = needed.flatMap((row) => nowLine(row) ?? []);
  const about = view.about === undefined ? [] : [`For ${view.about}.\n`];
  return [...about, ...now, ...needed.map((row) => `- ${marks[row.state]} ${titleOf(row)}`)].join('\n');
}

const marks: Record<StepView['state'], string> = { done: '✓', skipped: '–', running: '▶', blocked: '✗', waiting: '·' };

const wordsOf = (row: StepView) => stepWords[row.step as keyof typeof stepWords];
const titleOf = (row: StepView) => wordsOf(row)?.title ?? row.step;

/** What a step is doing or waiting for; undefined when it has nothing to say. */
function nowLine(row: StepView): string | undefined {
  const title = titleOf(row);
  if (row.state === 'running') return `**${title}**: at work\n`;
  if (row.state === 'blocked') {
    const { todo } = problemOf(row.problem ?? 'unknown', '');
    const when = row.retryInMs === undefined ? 'again' : 'at once';
    // A step that somebody else completes, and is reminded of, is not tried.
    const again = row.remindInMs === undefined ? ` The Signal \`wake\` tries ${when}.` : '';
    return `**${title}: blocked (${row.problem ?? 'unknown'})**. ${todo}${again}\n`;
  }
  if (row.state !== 'waiting') return undefined;
  if (!row.waitsOn) return row.next ? `**${title}**: waits for ${wordsOf(row)?.waitsFor ?? 'its turn'}\n` : undefined;
  const blocked = row.waitsOn.problem ? `, which is **blocked (${row.waitsOn.problem})**` : '';
  return `**${title}**: waits for workflow \`${row.waitsOn.workflowId}\`${blocked}\n`;
}
