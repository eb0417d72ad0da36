/** The one place where what a connector threw becomes what Temporal and the step's row are told. */
import { ApplicationFailure, CompleteAsyncError, Context } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';
import { SupersededAttempt, readProcessView, type Again, type StepRef } from '../activities/step.ts';
import { ConnectorError } from '../connectors/errors.ts';
import { noteFailure } from '../db/queries/process.ts';
import type { Dependencies } from '../activities/dependencies.ts';
import { whoIn } from '../domain/process/labels.ts';
import { maxWaitMs } from './rateLimiter.ts';

export class StepFailureInterceptor implements ActivityInboundCallsInterceptor {
  private readonly deps: Dependencies;

  constructor(deps: Dependencies) {
    this.deps = deps;
  }

  async execute(input: ActivityExecuteInput, next: Next<ActivityInboundCallsInterceptor, 'execute'>): Promise<unknown> {
    const context = Context.current();
    // Liveness only: the worker throttles what it sends, and a dead worker sends nothing.
    const beat = setInterval(() => context.heartbeat(), this.deps.environment.HEARTBEAT_MS / 4);
    try {
      return await next(input);
    } catch (error) {
      if (
        error instanceof CancelledFailure ||
        error instanceof CompleteAsyncError ||
        error instanceof ApplicationFailure
      )
        throw error;
      const failure = await this.cast(error, stepRefIn(input.args[0]));
      if (failure instanceof ApplicationFailure) throw failure;
      return failure;
    } finally {
      clearInterval(beat);
    }
  }

  /**
   * Leaves with a code only: texts of the outside world stay in PostgreSQL (invariant 7).
   *
   * @returns what is thrown; or when to try again, which the workflow waits for itself: it shows that it does, and a wake
   *   ends it
   */
  private async cast(error: unknown, ref: StepRef | undefined): Promise<ApplicationFailure | Again> {
    // A real zombie's answer is refused by the server. Whoever is heard was overtaken by a zombie, and tries again.
    if (error instanceof SupersededAttempt) return ApplicationFailure.retryable(error.message, 'superseded');
    const { logger, environment } = this.deps;
    const { activityType, attempt, workflowExecution } = Context.current().info;
    const about = {
      activity: activityType,
      attempt,
      workflowId: workflowExecution?.workflowId,
      runId: workflowExecution?.runId,
    };
    if (!(error instanceof ConnectorError)) {
      // The database is away, or an error of ours: both are retried, and both are seen.
      logger.error({ err: error, ...about }, 'activity failed unexpectedly');
      const { failingMs } = await this.note(ref, {
        code: 'unexpected',
        what: 'An error in Countersign; its log has the details.',
      });
      if (failingMs > environment.TRANSIENT_LIMIT_MS)
        return ApplicationFailure.nonRetryable('It kept failing.', 'unexpected');
      return ApplicationFailure.retryable('An unexpected error; the log has it.', 'unexpected');
    }
    logger.warn(
      { code: error.code, status: error.status, requestId: error.requestId, ...about },
      'outside system failed',
    );
    const { failingMs, times } = await this.note(ref, {
      code: error.code,
      what: error.detail,
      retryAfterMs: error.retryAfterMs,
    });
    // What a list shows again and again is no accident of one reading: the server does it, and a person has to know.
    if (error.contradiction && times >= sameContradictions)
      return ApplicationFailure.nonRetryable(error.code, 'contradictory');
    if (error.kind === 'permanent') return ApplicationFailure.nonRetryable(error.code, error.code);
    // Longer than we would retry for, or failing for that long already: the step says so and tries again by itself.
    const wait = error.retryAfterMs ?? 0;
    if (failingMs + wait > environment.TRANSIENT_LIMIT_MS)
      return ApplicationFailure.nonRetryable(error.code, blockedAs(error, times));
    if (ref && wait > maxWaitMs) {
      const whose = whoIn(ref.step) === 'vendor' ? 'the vendor' : 'the PSA';
      const because = `${whose} asked for a pause (${error.status ?? 429})`;
      return { againInMs: wait, because, view: await readProcessView(this.deps, ref) };
    }
    return ApplicationFailure.create({
      message: error.code,
      type: error.code,
      // Who asks for no pause at all is not asked again at once for ever.
      ...(error.retryAfterMs === undefined
        ? {}
        : { nextRetryDelay: Math.max(error.retryAfterMs, environment.FIRST_RETRY_MS) }),
    });
  }

  private async note(
    ref: StepRef | undefined,
    failure: Parameters<typeof noteFailure>[2],
  ): ReturnType<typeof noteFailure> {
    if (!ref) return { failingMs: 0, times: 0 };
    try {
      return await noteFailure(this.deps.db, ref, failure);
    } catch (error) {
      this.deps.logger.warn({ err: error }, 'a failure could not be noted: the database is away');
      return { failingMs: 0, times: 0 };
    }
  }
}

/** So many attempts in a row whose list contradicted itself in the same words are the server's way, and not an accident. */
const sameContradictions = 3;

/** What a step is blocked with that kept failing in passing: it did answer, or it did not. */
function blockedAs(error: ConnectorError, times: number): string {
  if (error.contradiction && times > 1) return 'contradictory';
  return error.kind === 'throttled' || error.code === 'incomplete' ? error.code : 'unreachable';
}

/** They speak of a step and are not its attempt: however long they fail, they are tried on, and never block or end anything. */
const machinery = new Set(['look', 'park', 'block', 'registerNeed']);

function stepRefIn(argument: unknown): StepRef | undefined {
  if (machinery.has(Context.current().info.activityType)) return undefined;
  if (typeof argument !== 'object' || argument === null) return undefined;
  return 'kind' in argument && 'id' in argument && 'round' in argument && 'step' in argument
    ? (argument as StepRef)
    : undefined;
}
