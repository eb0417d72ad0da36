import { RateLimiterRes, type RateLimiterMemory } from 'rate-limiter-flexible';

/**
 * Counts one use under a key. Each key has a counter of its own, which is forgotten when its window is over and not before.
 *
 * @returns the whole seconds to wait, at least 1, when there were too many; 0 = go on
 */
export async function consume(limiter: RateLimiterMemory, key: string): Promise<number> {
  try {
    await limiter.consume(key);
    return 0;
  } catch (refused) {
    if (!(refused instanceof RateLimiterRes)) throw refused;
    return Math.max(1, Math.ceil(refused.msBeforeNext / 1000));
  }
}
