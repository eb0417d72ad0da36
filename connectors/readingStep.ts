/**
 * What a step that only reads was answered so far. Where it is cut short, by a 429 for one, the next attempt gets these
 * answers without asking for them again: so it ends under any limit of calls. Held in the asynchronous context, because
 * every question that is asked on behalf of the step belongs to it, whichever adapter asks it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

/** An answer as it came. */
export interface Answered {
  status: number;
  headers: Record<string, string>;
  /** The body's text; null = its bytes are no text. */
  text: string | null;
}

/** One question of a step; asked again within an attempt it is another one: a number of rows before and after, for one. */
export interface Question {
  /** What an earlier attempt was answered. */
  known(): Promise<Answered | undefined>;
  /** Keeps a good answer for the next attempt, should there be one. */
  keep(answered: Answered): Promise<void>;
}

export interface ReadingStep {
  /**
   * @param words the same for the same question with the same credentials
   * @param part of the step's work that it belongs to
   */
  ask(words: string, part: string): Question;
  /** Whoever has not sent his question when it is aborted need not: the attempt is over. */
  over: AbortSignal;
  /** Ends also what was sent: the worker stops. */
  cancelled: AbortSignal;
  /** The attempt waits for this before it ends, so that what was sent is not for nothing. */
  untilOver<T>(asked: Promise<T>): Promise<T>;
}

/** The step on whose behalf something is asked, and the part of its work. */
export interface Reading {
  step: ReadingStep;
  part: string;
}

const current = new AsyncLocalStorage<Reading>();

/** Every GET of `work` belongs to the step. */
export const readFor = <T>(step: ReadingStep, work: () => T): T => current.run({ step, part: '' }, work);

/** Undefined outside a step that only reads. */
export const readingStep = () => current.getStore();

/** Its questions belong to a part of the work, whose answers are given up when that part is committed. */
export function asPart<T>(part: string, work: () => T): T {
  const at = current.getStore();
  return at ? current.run({ ...at, part }, work) : work();
}

/** Its questions belong to no step. */
export const asNobody = <T>(work: () => T): T => current.exit(work);
