/** A connection's rate limiter, shared by all workers through one row. */
import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import { maxWaitMs, type RateLimiter } from '../connectors/rateLimiter.ts';
import { ConnectorError } from '../connectors/errors.ts';
import type { Database } from '../db/client.ts';
import { postponeCalls, takePermits } from '../db/queries/rateLimit.ts';

/**
 * Takes about a second's worth of permits at once and hands them out at the rate, so that a call needs no database
 * round trip of its own. When no call was made for a second, the permits may be used at once: a customer that is read
 * by itself needs few calls.
 *
 * @param connection name of the rate limiter: one per vendor account or PSA connection
 */
export function createRateLimiter(db: Database, connection: string, callsPerSecond: number): RateLimiter {
  const batch = Math.max(1, Math.floor(callsPerSecond));
  let left = 0;
  let nextAt = 0;
  let gapMs = 0;
  // Callers queue, so that two of them do not both fetch a batch of permits.
  const oneByOne = pLimit(1);

  async function permit(): Promise<number> {
    if (left === 0) {
      const taken = await takePermits(db, connection, { callsPerSecond, permits: batch, maxWaitMs });
      if ('pausedMs' in taken) throw paused(taken);
      const { delayMs } = taken;
      nextAt = performance.now() + delayMs;
      left = batch;
      gapMs = delayMs > 0 ? 1000 / callsPerSecond : 0;
    }
    left--;
    const at = nextAt;
    nextAt += gapMs;
    return at;
  }

  return {
    async take(signal) {
      const waitMs = (await oneByOne(permit)) - performance.now();
      if (waitMs > 0) await delay(waitMs, undefined, signal ? { signal } : {});
      signal?.throwIfAborted();
    },
    async throttled(pauseMs, why) {
      left = 0;
      await postponeCalls(db, connection, pauseMs, why);
    },
  };
}

function paused({ pausedMs, why }: { pausedMs: number; why: string }): ConnectorError {
  return new ConnectorError({
    kind: 'throttled',
    code: 'throttled',
    detail: `Nothing was asked: the other side wants a pause. ${why}`,
    retryAfterMs: pausedMs,
  });
}
