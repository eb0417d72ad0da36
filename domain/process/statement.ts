/**
 * What is said of a step: one statement, which the Temporal UI, the API, health, the metrics and the doctor show. The console shows
 * the problem and what to do without requests and Signals, for whoever does the billing.
 * It holds our own ids, codes, times, a status and a route template only (invariant 7).
 */
import {
  describeCall,
  describePause,
  describeRetrying,
  pausedThere,
  stepLabels,
  titleOfStep,
  whoIn,
} from './labels.ts';
import { remedyOf, type Whose } from './remedies.ts';
import type { StepName, StepView } from './steps.ts';

/** What is known of a step that is not finished. */
export type StepFacts = Pick<
  StepView,
  | 'step'
  | 'state'
  | 'problem'
  | 'since'
  | 'status'
  | 'route'
  | 'missing'
  | 'pausedInTemporal'
  | 'pausedUntil'
  | 'failing'
  | 'waitsOn'
>;

export interface Statement {
  title: string;
  /** In Markdown. */
  words: string;
  /** Present when something is wrong: the problem's code, `retrying`, `paused` or `waits_for_blocked`. */
  code?: string;
}

/** The problem of a process that waits for another one that is blocked. */
export const waitsForBlocked = 'waits_for_blocked';

/**
 * Says what a step does, waits for, or is blocked by: its problem, since when, the status and the route of the call that failed,
 * and what to do.
 *
 * @param whose undefined where it is not known; then what to do is said in general
 * @param shownMs milliseconds of failure after which a step that is retried says so
 */
export function sayStep(facts: StepFacts, whose: Omit<Whose, 'organization'> | undefined, shownMs: number): Statement {
  const label = stepLabels[facts.step as StepName];
  const title = titleOfStep(facts.step);
  if (facts.pausedInTemporal) return { title, words: pausedThere, code: 'paused' };
  if (facts.state === 'blocked') return { title, ...sayBlocked(facts, whose) };
  if (facts.pausedUntil) return { title, words: describePause(facts.step, facts.pausedUntil) };
  if (facts.state === 'running') {
    const retrying = describeRetrying(facts.failing, shownMs);
    return retrying === undefined ? { title, words: 'at work' } : { title, words: retrying, code: 'retrying' };
  }
  const { waitsOn } = facts;
  if (!waitsOn) return { title, words: `waits for ${label?.waitsFor ?? 'its turn'}` };
  const words = `waits for workflow \`${waitsOn.workflowId}\``;
  return waitsOn.problem === undefined
    ? { title, words }
    : { title, words: `${words}, which is **blocked (${waitsOn.problem})**`, code: waitsForBlocked };
}

function sayBlocked(facts: StepFacts, whose: Omit<Whose, 'organization'> | undefined) {
  const { step, problem: code = 'unexpected', missing, since, status, route } = facts;
  const call = status || route ? `: ${describeCall({ code, status: status ?? null, route: route ?? null })}` : '';
  const todo = remedyOf({ step, code, ...(missing ? { missing } : {}) }, whose);
  // A step that a person completes is not tried by a wake.
  const again = whoIn(step) === 'person' ? '' : ' The Signal `wake` tries it at once.';
  return { code, words: `blocked (${code})${since ? ` since ${since} UTC` : ''}${call}. ${todo}${again}` };
}

/** A statement without its Markdown, for whom it is plain text. */
export function plainly(words: string): string {
  return words.replaceAll('`', '').replaceAll('**', '');
}
