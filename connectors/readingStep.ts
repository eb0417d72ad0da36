/**
 * Keeps the answers that a step which only reads has received so far. When an attempt is cut short (by a 429, for one), the
 * next attempt gets these answers without asking again, so the step ends under any limit of calls. The step is held in the
 * asynchronous context, because every request made on its behalf belongs to it, whichever adapter makes it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

/** An HTTP answer as it came. */
export interface Answered {
  status: number;
  headers: Record<string, string>;
  /** The body's text; null = its bytes are not text. */
  text: string | null;
}

/**
 * One request of a step. The same request made again within one attempt is another question: a count of rows before and
 * after a list, for one.
 */
export interface Question {
  /** The answer that an earlier attempt got; undefined = none. */
  known(): Promise<Answered | undefined>;
  /** Keeps a good answer for the next attempt, if there is one. */
  keep(answered: Answered): Promise<void>;
}

export interface ReadingStep {
  /**
   * @param digest equal for equal requests with equal credentials
   * @param part the part of the step's work to which the request belongs
   */
  ask(digest: string, part: string): Question;
  /** Aborted when the attempt is over: requests that were not sent yet are not sent any more. */
  over: AbortSignal;
  /** Aborted when the worker stops: requests that were sent end, too. */
  cancelled: AbortSignal;
  /** Makes the attempt wait for a request before it ends, so that the answer is not lost. */
  untilOver<T>(asked: Promise<T>): Promise<T>;
}

/** The step on whose behalf a request is made, and the part of its work. */
export interface Reading {
  step: ReadingStep;
  part: string;
}

const current = new AsyncLocalStorage<Reading>();

/** Runs `work`, whose GET requests then belong to the step. */
export const readFor = <T>(step: ReadingStep, work: () => T): T => current.run({ step, part: '' }, work);

/** The step of the current asynchronous context; undefined outside a step that only reads. */
export const readingStep = () => current.getStore();

/** Runs `work` as one part of the step; the answers kept for a part are dropped when the part is committed. */
export function asPart<T>(part: string, work: () => T): T {
  const at = current.getStore();
  return at ? current.run({ ...at, part }, work) : work();
}

/** Runs `work` so that its requests belong to no step. */
export const asNobody = <T>(work: () => T): T => current.exit(work);
