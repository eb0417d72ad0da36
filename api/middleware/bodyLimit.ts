import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import type { ApiEnv } from '../context.ts';

/** The limit of a body that does not declare its length; whoever reads the body counts (`bodyText`). */
export interface BodyLimit {
  /** The largest body in bytes. */
  maxSize: number;
  /** Throws the error to answer. */
  tooLarge: (c: Context) => never;
}

/**
 * Refuses bodies that are too large by the declared length, because HTTP does not let a client send more than that. A body
 * without one is not touched here: who sends it is asked first, so that nobody without a token can keep us waiting for it.
 */
export function bodyLimit(limit: BodyLimit) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    const length = c.req.header('content-length');
    if (length === undefined || c.req.header('transfer-encoding') !== undefined) c.set('bodyLimit', limit);
    else if (Number(length) > limit.maxSize) limit.tooLarge(c);
    await next();
  });
}
