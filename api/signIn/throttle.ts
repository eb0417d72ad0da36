/** Counts attempts to sign in, so that passwords cannot be tried out. The counts are rows: all api processes count together. */
import { getConnInfo } from '@hono/node-server/conninfo';
import type { Context } from 'hono';
import { hashSecret } from '../../db/encryption.ts';
import { countAttempt, forgetAttempt } from '../../db/queries/signInThrottle.ts';
import type { ApiEnv } from '../context.ts';
import { ApiProblem } from '../problem.ts';

const windowMs = 15 * 60_000;
/** Failed attempts in a window: few for one e-mail from one address; more in all, so that nobody is easily locked out by others. */
const limits = { both: 10, email: 100, address: 100 };

/**
 * Counts an attempt before it is made. What is counted does not depend on whether the e-mail is anybody's.
 *
 * @param email in lower case; undefined for a link, which says for whom it is
 * @returns a function to call when the attempt has succeeded: it no longer counts then
 * @throws ApiProblem 429 `too-many-attempts`, with the seconds to wait
 */
export async function throttle(c: Context<ApiEnv>, email: string | undefined): Promise<() => Promise<void>> {
  const { db } = c.get('deps');
  const address = clientAddress(c);
  // Hashed, so that no row tells who tried, or from where.
  const both = hashSecret(`both ${email} ${address}`);
  const counted = new Map([[hashSecret(`address ${address}`), limits.address]]);
  if (email !== undefined) counted.set(both, limits.both).set(hashSecret(`email ${email}`), limits.email);
  const waitMs = await countAttempt(db, counted, windowMs);
  if (waitMs > 0) {
    const seconds = Math.ceil(waitMs / 1000);
    throw new ApiProblem(
      429,
      'too-many-attempts',
      `Too many attempts to sign in have failed. Try again in ${Math.ceil(seconds / 60)} minutes.`,
      { headers: { 'retry-after': String(seconds) } },
    );
  }
  return () => forgetAttempt(db, [...counted.keys()], both);
}

/**
 * The address from which a request comes: the connection's, or with TRUSTED_PROXIES the one that the outermost of them has noted.
 * What stands before that in `X-Forwarded-For` may be anybody's invention.
 */
function clientAddress(c: Context<ApiEnv>): string {
  const { TRUSTED_PROXIES } = c.get('deps').environment;
  const noted = (c.req.header('x-forwarded-for') ?? '').split(',').map((each) => each.trim());
  const forwarded = TRUSTED_PROXIES > 0 ? noted.at(-TRUSTED_PROXIES) : undefined;
  return forwarded || (getConnInfo(c).remote.address ?? '');
}
