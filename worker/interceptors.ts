/** What surrounds every activity: a heartbeat while it works, and for what is no step, what Temporal is told of a failure. */
import { Context } from '@temporalio/activity';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';
import { alarmIfRepeated } from '../activities/alarm.ts';
import type { Dependencies } from '../activities/dependencies.ts';
import { isForTemporal, unexpectedFailure } from '../activities/failures.ts';

export class ActivityInterceptor implements ActivityInboundCallsInterceptor {
  private readonly deps: Pick<Dependencies, 'environment' | 'logger'>;

  constructor(deps: Pick<Dependencies, 'environment' | 'logger'>) {
    this.deps = deps;
  }

  async execute(input: ActivityExecuteInput, next: Next<ActivityInboundCallsInterceptor, 'execute'>): Promise<unknown> {
    const context = Context.current();
    // Liveness only: the worker throttles what it sends, and a dead worker sends nothing.
    const beat = setInterval(() => context.heartbeat(), this.deps.environment.HEARTBEAT_MS / 4);
    alarmIfRepeated(this.deps);
    try {
      return await next(input);
    } catch (error) {
      // A step has told its failure (performStep). All others are tried on, however long they fail: they block and end nothing.
      throw isForTemporal(error) ? error : unexpectedFailure(this.deps, error);
    } finally {
      clearInterval(beat);
    }
  }
}
