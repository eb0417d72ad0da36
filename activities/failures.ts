/** The one place that turns what a connector threw into what Temporal and the step's row record. */
import { ApplicationFailure, CompleteAsyncError, Context } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import { ConnectorError } from '../connectors/errors.ts';
import { maxWaitMs } from '../connectors/rateLimiter.ts';
import { noteAnswer, noteFailure, type StepKey } from '../db/queries/process.ts';
import { describeCall, whoIn } from '../domain/process/labels.ts';
import { attemptAtWork } from './alarm.ts';
import type { Dependencies } from './dependencies.ts';

/** Thrown when a newer attempt of the same activity has taken over; this attempt must drop the work that it holds. */
export class SupersededAttempt extends Error {
  override readonly name = 'SupersededAttempt';
  constructor() {
    super('A newer attempt has taken over this step.');
  }
}

/**
 * After this many attempts in a row whose list contradicted itself in the same words, the contradiction is how the
 * server behaves, and not an accident.
 */
const sameContradictions = 3;

/**
 * Notes in the step's row what its attempt failed with, and gives Temporal only a code: texts of outside systems stay
 * in PostgreSQL (invariant 7).
 *
 * @param wake makes the process look at its rows, because the step has failed for so long that people should see it
 * @returns when to try again, where the outside system asked for a pause: the workflow itself waits, shows that it
 *   waits, and a wake ends the wait
 * @throws ApplicationFailure that blocks the step, or makes Temporal run the activity again
 */
export async function tellFailure(
  deps: Dependencies,
  ref: StepKey,
  error: unknown,
  wake: () => Promise<void>,
): Promise<{ againInMs: number; because: string }> {
  const { cancellationDetails } = Context.current();
  // Temporal's server ignores an attempt that it has given up, so such an attempt counts as timed out, whatever it
  // answers.
  if (!cancellationDetails?.timedOut && !cancellationDetails?.notFound) await quietly(deps, noteAnswer(deps.db, ref));
  if (isForTemporal(error)) throw error;
  // Temporal's server ignores the answers of stale attempts, so this attempt is live: retry it.
  if (error instanceof SupersededAttempt) throw ApplicationFailure.retryable(error.message, 'superseded');
  const { FIRST_RETRY_MS, MAX_RETRY_MS, TRANSIENT_LIMIT_MS, RETRYING_SHOWN_MS } = deps.environment;
  if (!(error instanceof ConnectorError)) {
    const failure = unexpectedFailure(deps, error);
    const what = 'An error in Countersign; its log has the details.';
    const { failingMs } = await noted(deps, ref, { code: 'unexpected', what });
    if (failingMs > TRANSIENT_LIMIT_MS) throw ApplicationFailure.nonRetryable('It kept failing.', 'unexpected');
    throw failure;
  }
  const { code, kind, status, requestId, route, detail, retryAfterMs, contradiction } = error;
  // What failed without a call, such as a list that is not whole.
  if (!error.isLogged) deps.logger.warn({ code, status, requestId, ...attemptAtWork() }, 'outside system failed');
  const call = { ...(status === undefined ? {} : { status }), ...(route === undefined ? {} : { route }) };
  const { attempt } = Context.current().info;
  // As workflows/process.ts tells Temporal to wait.
  const againInMs = retryAfterMs ?? Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempt - 1, 30));
  const failure = { code, what: detail, retryAfterMs, attempt, againInMs, ...call };
  const { failingMs, times, tell } = await noted(deps, ref, failure, RETRYING_SHOWN_MS);
  // Temporal shows it with the attempt: our own words only.
  const message = `${describeCall({ code, ...call })} (${code})`;
  // A contradiction that a list repeats is no accident of one reading: the server causes it, and a person has to know.
  if (contradiction && times >= sameContradictions) throw ApplicationFailure.nonRetryable(message, 'contradictory');
  if (kind === 'permanent') throw ApplicationFailure.nonRetryable(message, code);
  // The pause is longer than steps are retried, or the step has failed for that long already: the step is blocked,
  // which a person sees, and is tried again by itself.
  const waitMs = retryAfterMs ?? 0;
  if (failingMs + waitMs > TRANSIENT_LIMIT_MS) throw ApplicationFailure.nonRetryable(message, blockedAs(error, times));
  if (waitMs > maxWaitMs) {
    const whose = whoIn(ref.step) === 'vendor' ? 'the vendor' : 'the PSA';
    return { againInMs: waitMs, because: `${whose} asked for a pause (${status ?? 429})` };
  }
  if (tell) await wake();
  throw ApplicationFailure.create({
    message,
    type: code,
    // A server that asks for a pause of zero is not called again immediately for ever.
    ...(retryAfterMs === undefined ? {} : { nextRetryDelay: Math.max(retryAfterMs, FIRST_RETRY_MS) }),
  });
}

/** Tells whether an activity threw a failure that Temporal understands already. */
export function isForTemporal(error: unknown): boolean {
  return (
    error instanceof CancelledFailure || error instanceof CompleteAsyncError || error instanceof ApplicationFailure
  );
}

/** Logs and returns a retryable failure: either the database is away, or Countersign has a bug. Both are retried. */
export function unexpectedFailure({ logger }: Pick<Dependencies, 'logger'>, error: unknown): ApplicationFailure {
  logger.error({ err: error, ...attemptAtWork() }, 'activity failed unexpectedly');
  return ApplicationFailure.retryable('An unexpected error; the log has it.', 'unexpected');
}

async function noted(deps: Dependencies, ref: StepKey, failure: Parameters<typeof noteFailure>[2], shownMs?: number) {
  return (await quietly(deps, noteFailure(deps.db, ref, failure, shownMs))) ?? { failingMs: 0, times: 0, tell: false };
}

async function quietly<T>({ logger }: Dependencies, noting: Promise<T>): Promise<T | undefined> {
  return noting.catch((error: unknown) => {
    logger.warn({ err: error }, 'a failure could not be noted: the database is away');
    return undefined;
  });
}

/**
 * The code with which a step is blocked whose transient failures did not end: it depends on whether the server
 * answered.
 */
function blockedAs(error: ConnectorError, times: number): string {
  if (error.contradiction && times > 1) return 'contradictory';
  return error.kind === 'throttled' || error.code === 'incomplete' ? error.code : 'unreachable';
}
