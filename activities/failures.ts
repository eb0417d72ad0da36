/** The one place where what a connector threw becomes what Temporal and the step's row are told. */
import { ApplicationFailure, CompleteAsyncError, Context } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import { ConnectorError } from '../connectors/errors.ts';
import { maxWaitMs } from '../connectors/rateLimiter.ts';
import { noteAnswer, noteFailure, type StepKey } from '../db/queries/process.ts';
import { whoIn } from '../domain/process/labels.ts';
import { attemptAtWork } from './alarm.ts';
import type { Dependencies } from './dependencies.ts';

/** A newer attempt of the same activity has taken over; whatever this one holds is to be dropped. */
export class SupersededAttempt extends Error {
  override readonly name = 'SupersededAttempt';
  constructor() {
    super('A newer attempt has taken over this step.');
  }
}

/** So many attempts in a row whose list contradicted itself in the same words are the server's way, and not an accident. */
const sameContradictions = 3;

/**
 * Notes in the step's row what its attempt failed with, and tells Temporal a code only: texts of the outside world stay in
 * PostgreSQL (invariant 7).
 *
 * @returns when to try again, where the other side asked for a pause: the workflow waits for that itself, shows that it
 *   does, and a wake ends it
 * @throws ApplicationFailure that blocks the step, or makes Temporal run the activity again
 */
export async function tellFailure(
  deps: Dependencies,
  ref: StepKey,
  error: unknown,
): Promise<{ againInMs: number; because: string }> {
  const { cancellationDetails } = Context.current();
  // The server does not hear an attempt that it has given up: that one has timed out, whatever it says now.
  if (!cancellationDetails?.timedOut && !cancellationDetails?.notFound) await quietly(deps, noteAnswer(deps.db, ref));
  if (isForTemporal(error)) throw error;
  // The server refuses the answer of an attempt that it has given up. So this attempt is live, and is run again.
  if (error instanceof SupersededAttempt) throw ApplicationFailure.retryable(error.message, 'superseded');
  const { FIRST_RETRY_MS, TRANSIENT_LIMIT_MS } = deps.environment;
  if (!(error instanceof ConnectorError)) {
    const failure = unexpectedFailure(deps, error);
    const what = 'An error in Countersign; its log has the details.';
    const { failingMs } = await noted(deps, ref, { code: 'unexpected', what });
    if (failingMs > TRANSIENT_LIMIT_MS) throw ApplicationFailure.nonRetryable('It kept failing.', 'unexpected');
    throw failure;
  }
  const { code, kind, status, requestId, detail, retryAfterMs, contradiction } = error;
  deps.logger.warn({ code, status, requestId, ...attemptAtWork() }, 'outside system failed');
  const { failingMs, times } = await noted(deps, ref, { code, what: detail, retryAfterMs });
  // What a list shows again and again is no accident of one reading: the server does it, and a person has to know.
  if (contradiction && times >= sameContradictions) throw ApplicationFailure.nonRetryable(code, 'contradictory');
  if (kind === 'permanent') throw ApplicationFailure.nonRetryable(code, code);
  // Longer than we would retry for, or failing for that long already: the step says so and tries again by itself.
  const waitMs = retryAfterMs ?? 0;
  if (failingMs + waitMs > TRANSIENT_LIMIT_MS) throw ApplicationFailure.nonRetryable(code, blockedAs(error, times));
  if (waitMs > maxWaitMs) {
    const whose = whoIn(ref.step) === 'vendor' ? 'the vendor' : 'the PSA';
    return { againInMs: waitMs, because: `${whose} asked for a pause (${status ?? 429})` };
  }
  throw ApplicationFailure.create({
    message: code,
    type: code,
    // Who asks for no pause at all is not asked again at once for ever.
    ...(retryAfterMs === undefined ? {} : { nextRetryDelay: Math.max(retryAfterMs, FIRST_RETRY_MS) }),
  });
}

/** Whether an activity threw what Temporal understands already. */
export function isForTemporal(error: unknown): boolean {
  return (
    error instanceof CancelledFailure || error instanceof CompleteAsyncError || error instanceof ApplicationFailure
  );
}

/** The database is away, or it is an error of ours: both are retried, and both are seen in the log. */
export function unexpectedFailure({ logger }: Pick<Dependencies, 'logger'>, error: unknown): ApplicationFailure {
  logger.error({ err: error, ...attemptAtWork() }, 'activity failed unexpectedly');
  return ApplicationFailure.retryable('An unexpected error; the log has it.', 'unexpected');
}

async function noted(deps: Dependencies, ref: StepKey, failure: Parameters<typeof noteFailure>[2]) {
  return (await quietly(deps, noteFailure(deps.db, ref, failure))) ?? { failingMs: 0, times: 0 };
}

async function quietly<T>({ logger }: Dependencies, noting: Promise<T>): Promise<T | undefined> {
  return noting.catch((error: unknown) => {
    logger.warn({ err: error }, 'a failure could not be noted: the database is away');
    return undefined;
  });
}

/** What a step is blocked with that kept failing in passing: it did answer, or it did not. */
function blockedAs(error: ConnectorError, times: number): string {
  if (error.contradiction && times > 1) return 'contradictory';
  return error.kind === 'throttled' || error.code === 'incomplete' ? error.code : 'unreachable';
}
