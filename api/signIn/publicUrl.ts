import type { Context } from 'hono';
import type { ApiEnv } from '../context.ts';

/** The address at which people open the console, without a slash at its end: PUBLIC_URL, or the one that was asked. */
export function publicUrl(c: Context<ApiEnv>): string {
  return new URL(c.get('deps').environment.PUBLIC_URL ?? c.req.url).origin;
}
