/** Steps that only read: the answers that they got are kept when a 429 cuts an attempt short. */
import { ApplicationFailure, Context } from '@temporalio/activity';
import { ConnectorError, type ConnectorErrorCode } from '../connectors/errors.ts';
import { readFor, readingStep, type Question, type ReadingStep } from '../connectors/readingStep.ts';
import { dropKept, findKept, listKept, storeKept, type KeptAnswer } from '../db/queries/keptAnswer.ts';
import { isUnderWay, noteProgress } from '../db/queries/process.ts';
import type { Transaction } from '../db/client.ts';
import type { Dependencies } from './dependencies.ts';
import { performStep, type StepRef, type StepResult } from './step.ts';

/**
 * The most characters of answers that are held in memory before they are saved, so that a large list need not fit in
 * memory whole.
 */
const maxUnsaved = 8_000_000;

/**
 * Failures after which earlier answers are still valid. After any other failure the kept answers are dropped, because
 * they may not fit together.
 */
const passing = new Set<ConnectorErrorCode>(['throttled', 'upstream', 'timeout', 'network', 'not_json']);

/**
 * `performStep` for a step that reads outside systems and changes nothing there. When a transient failure cuts an
 * attempt short, its uncommitted answers are kept, and the next attempt continues from there: whatever the rate limit
 * is, each attempt gets further. This costs one commit for each attempt that was cut short, and no other commit.
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

/**
 * Drops the kept answers of parts that are committed now, because they are no longer needed. Outside a reading step it
 * does nothing.
 */
export async function partsCommitted(tx: Transaction, parts: readonly string[]): Promise<void> {
  const step = readingStep()?.step;
  if (step instanceof Reading) await step.giveUp(tx, parts);
}

/** Returns the progress of the reading step under way; undefined outside a reading step. */
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
  /** Answers that this attempt has read and that are neither committed nor saved. */
  private readonly unsaved = new Map<string, KeptAnswer>();
  private unsavedSize = 0;
  private progress = false;
  /**
   * How often each part has asked each question. Counted by part, because a part that is committed asks no more in the next
   * attempt: the questions of the others keep their numbers.
   */
  private readonly asked = new Map<string, number>();
  private readonly sent = new Set<Promise<unknown>>();
  /** Questions whose answers this attempt or an earlier one saved, with the part to which each belongs. */
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
    const ofPart = `${words}#${part}`;
    const times = (this.asked.get(ofPart) ?? 0) + 1;
    this.asked.set(ofPart, times);
    const question = `${ofPart}#${times}`;
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

  /** Tells whether an earlier attempt was cut short. */
  async goesOn(): Promise<boolean> {
    this.saved ??= this.load();
    return (await this.saved).size > 0;
  }

  /** Tells whether this attempt got any answer that no earlier attempt got. */
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

  /** Saves the unsaved answers. An abandoned attempt that arrives late saves nothing for a step that is over. */
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
