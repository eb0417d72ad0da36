/**
 * The short activities by which every process reads and changes its rows in PostgreSQL. The frequent ones (`look`, `park`)
 * have a fast path: a local activity, inside the workflow's own task.
 */
import { isCancellation, proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import { Mutex } from 'async-mutex';
import type { Activities } from '../activities/index.ts';

/** The normal activities, which the Temporal UI shows. They are short and only need PostgreSQL, so they are retried until it is back. */
export const rows = proxyActivities<Pick<Activities, 'look' | 'park' | 'block' | 'registerNeed'>>({
  startToCloseTimeout: '10 seconds',
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '10s' },
});

/** The fast path: the way to the Temporal server and back would take longer than the activity itself. */
export const rowsLocally = proxyLocalActivities<Pick<Activities, 'look' | 'park'>>({
  startToCloseTimeout: '2 seconds',
  retry: { maximumAttempts: 1 },
});

/**
 * Lets the local activities of one workflow take turns. If two of them ended at nearly the same moment, a replay might see
 * them end in the other order, and the history would not replay (seen in a recorded history).
 */
export class LocalActivityTurns {
  private readonly mutex = new Mutex();

  /**
   * Tries `locally` once; if that fails, `visibly` does the same as a normal activity, which is retried until it works
   * and which the Temporal UI shows.
   *
   * @throws CancelledFailure when the workflow was cancelled
   */
  async tryFirst<T>(locally: () => Promise<T>, visibly: () => Promise<T>): Promise<T> {
    try {
      return await this.mutex.runExclusive(locally);
    } catch (failure) {
      if (isCancellation(failure)) throw failure;
      return visibly();
    }
  }
}
