/**
 * Surrounds every activity: sends heartbeats while it works and, for an activity that is no step, turns a failure into
 * what Temporal records.
 */
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
    // Heartbeats only show that the worker is alive: the worker throttles them, and a dead worker sends none.
    const beat = setInterval(() => context.heartbeat(), this.deps.environment.HEARTBEAT_MS / 4);
    alarmIfRepeated(this.deps);
    try {
      return await next(input);
    } catch (error) {
      // A step has reported its failure already (performStep). All other activities are retried, however long they
      // fail: their failure blocks and ends nothing.
      throw isForTemporal(error) ? error : unexpectedFailure(this.deps, error);
    } finally {
      clearInterval(beat);
    }
  }
}
