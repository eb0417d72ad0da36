import { createMiddleware } from 'hono/factory';
import type { ApiEnv } from '../context.ts';
import { ApiProblem } from '../problem.ts';

/**
 * Limits the requests per second of one token or person, with a burst of two seconds' worth. Each API process counts for itself, so
 * with several of them one may send that many times as much; that is fine, because the limit protects the process.
 */
export function rateLimit(perSecond: number) {
  const buckets = new Map<string, { left: number; at: number }>();
  const burst = perSecond * 2;
  return createMiddleware<ApiEnv>(async (c, next) => {
    const now = performance.now();
    const id = c.get('caller').actor;
    const bucket = buckets.get(id) ?? { left: burst, at: now };
    bucket.left = Math.min(burst, bucket.left + ((now - bucket.at) / 1000) * perSecond);
    bucket.at = now;
    buckets.set(id, bucket);
    if (buckets.size > 10_000) buckets.clear();
    if (bucket.left < 1) {
      const seconds = Math.max(1, Math.ceil((1 - bucket.left) / perSecond));
      throw new ApiProblem(429, 'too-many-requests', `More than ${perSecond} requests per second with one token.`, {
        headers: { 'retry-after': String(seconds) },
      });
    }
    bucket.left--;
    await next();
  });
}
