/** Steps that only read: what they were answered outlives an attempt that a 429 cuts short. */
import { ApplicationFailure, Context } from '@temporalio/activity';
import { ConnectorError, type ConnectorErrorCode } from '../connectors/errors.ts';
import { readFor, readingStep, type Question, type ReadingStep } from '../connectors/readingStep.ts';
import { dropKept, findKept, listKept, storeKept, type KeptAnswer } from '../db/queries/keptAnswer.ts';
import { isUnderWay, noteProgress } from '../db/queries/process.ts';
import type { Transaction } from '../db/client.ts';
import type { Dependencies } from './dependencies.ts';
import { performStep, type StepRef, type StepResult } from './step.ts';

/** What a large list was answered is not all held in memory until it has arrived whole: characters. */
const maxUnsaved = 8_000_000;

/** Failures that say nothing against what was read before them. All others end what was read: it may not fit together. */
const passing = new Set<ConnectorErrorCode>(['throttled', 'upstream', 'timeout', 'network', 'not_json']);

/**
 * `performStep` for a step that reads what is outside and changes nothing there. Cut short by a failure that passes, what
 * it has read and not committed is kept, and its next attempt goes on from there: whatever the limit, each attempt gets
 * further. It costs a commit for each attempt that was cut short, and none else.
 */
export async function performReading(
  deps: Dependencies,
  ref: StepRef,
  work: Parameters<typeof performStep>[2],
): Promise<StepResult> {
  return performStep(deps, ref, async () => {
    const reading = new Reading(deps, ref);
    const effect = await reading.run(work);
    if (typeof effect !== 'function') return effect;
    return async (tx) => {
      await dropKept(tx, ref);
      return effect(tx);
    };
  });
}

/** Parts of a reading step's work are committed: their answers are needed no more. Elsewhere it does nothing. */
export async function partsCommitted(tx: Transaction, parts: readonly string[]): Promise<void> {
  const step = readingStep()?.step;
  if (step instanceof Reading) await step.giveUp(tx, parts);
}

/** What the reading step under way has got from the outside; undefined elsewhere. */
export function readSoFar(): { goesOn(): Promise<boolean>; gotOn(): boolean } | undefined {
  const step = readingStep()?.step;
  return step instanceof Reading ? step : undefined;
}

class Reading implements ReadingStep {
  readonly cancelled = Context.current().cancellationSignal;
  private readonly ending = new AbortController();
  readonly over = AbortSignal.any([this.ending.signal, this.cancelled]);
  private readonly deps: Dependencies;
  private readonly ref: StepRef;
  /** Read by this attempt, and neither committed nor saved. */
  private readonly unsaved = new Map<string, KeptAnswer>();
  private unsavedSize = 0;
  private progress = false;
  /** How often each question was asked. */
  private readonly asked = new Map<string, number>();
  private readonly sent = new Set<Promise<unknown>>();
  /** Saved by this attempt or one before, with the part each belongs to. */
  private saved: Promise<Map<string, string>> | undefined;

  constructor(deps: Dependencies, ref: StepRef) {
    this.deps = deps;
    this.ref = ref;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await readFor(this, work);
    } catch (error) {
      this.ending.abort();
      if (error instanceof ConnectorError && passing.has(error.code)) {
        await Promise.allSettled(this.sent);
        await this.save();
      } else if (error instanceof ConnectorError || error instanceof ApplicationFailure) {
        await dropKept(this.deps.db, this.ref);
      }
      throw error;
    } finally {
      this.ending.abort();
    }
  }

  ask(words: string, part: string): Question {
    const times = (this.asked.get(words) ?? 0) + 1;
    this.asked.set(words, times);
    const question = `${words}#${times}`;
    return {
      known: async () => {
        this.saved ??= this.load();
        if (!(await this.saved).has(question)) return undefined;
        return findKept(this.deps.db, this.ref, question);
      },
      keep: async (answered) => {
        this.note({ ...answered, question, part });
        if (this.unsavedSize > maxUnsaved) await this.save();
      },
    };
  }

  untilOver<T>(asked: Promise<T>): Promise<T> {
    this.sent.add(asked);
    const done = () => void this.sent.delete(asked);
    asked.then(done, done);
    return asked;
  }

  /** Whether an attempt before this one was cut short. */
  async goesOn(): Promise<boolean> {
    this.saved ??= this.load();
    return (await this.saved).size > 0;
  }

  /** Whether this attempt was answered anything that none before it was. */
  gotOn(): boolean {
    return this.progress;
  }

  async giveUp(tx: Transaction, parts: readonly string[]): Promise<void> {
    const over = new Set(parts);
    for (const [question, answer] of this.unsaved) {
      if (!over.has(answer.part)) continue;
      this.unsaved.delete(question);
      this.unsavedSize -= answer.text?.length ?? 0;
    }
    const saved = (await this.saved) ?? new Map<string, string>();
    const gone = [...saved].flatMap(([question, part]) => (over.has(part) ? [question] : []));
    if (gone.length === 0) return;
    await dropKept(tx, this.ref, parts);
    for (const question of gone) saved.delete(question);
  }

  private note(answer: KeptAnswer): void {
    this.unsaved.set(answer.question, answer);
    this.unsavedSize += answer.text?.length ?? 0;
    this.progress = true;
  }

  private async load(): Promise<Map<string, string>> {
    const rows = await listKept(this.deps.db, this.ref);
    return new Map(rows.map(({ question, part }) => [question, part]));
  }

  /** An attempt that was given up and comes late saves nothing for a step that is over. */
  private async save(): Promise<void> {
    const answers = [...this.unsaved.values()];
    this.unsaved.clear();
    this.unsavedSize = 0;
    if (answers.length === 0) return;
    await this.deps.db.transaction(async (tx) => {
      if (!(await isUnderWay(tx, this.ref))) return;
      await storeKept(tx, this.ref, answers);
      await noteProgress(tx, this.ref);
    });
    const saved = await this.saved;
    for (const { question, part } of answers) saved?.set(question, part);
  }
}
