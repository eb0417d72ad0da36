import { createMiddleware } from 'hono/factory';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import type { ApiEnv } from '../context.ts';
import { consume } from '../limiter.ts';
import { ApiProblem } from '../problem.ts';

/**
 * Limits the requests per second of one token or person, over two seconds, so that a page may ask for much at once. Each API
 * process counts for itself, so with several of them one may send that many times as much; that is fine, because the limit
 * protects the process.
 */
export function rateLimit(perSecond: number) {
  const limiter = new RateLimiterMemory({ points: perSecond * 2, duration: 2 });
  return createMiddleware<ApiEnv>(async (c, next) => {
    const waitSeconds = await consume(limiter, c.get('caller').actor);
    if (waitSeconds > 0) {
      throw new ApiProblem(429, 'too-many-requests', `More than ${perSecond} requests per second with one token.`, {
        headers: { 'retry-after': String(waitSeconds) },
      });
    }
    await next();
  });
}
