/** Who pushes: `GRADIENT-TOKEN: base64("<vendor key>:<integration key>")` (reference/gradient.md §1). */
import { createHash, timingSafeEqual } from 'node:crypto';
import { getConnInfo } from '@hono/node-server/conninfo';
import { createMiddleware } from 'hono/factory';
import { findIntegrationByKey, touchIntegrationKey } from '../../db/queries/push.ts';
import { VendorApiError, type VendorApiEnv, type VendorContext } from './answers.ts';

/**
 * Wrong keys from one address before they answer 429, and for how long. A right key is taken all the while: a vendor
 * pushes for all its customers from one address, and one of them has rotated its key.
 */
const wrongKeys = { most: 20, perMs: 60_000 };
/** A key's use is noted this often: a hundred thousand counts are one use. */
const touchEveryMs = 60_000;

const sha256 = (text: string) => createHash('sha256').update(text).digest();
const unauthorized = () => new VendorApiError(401, 'Unauthorized');

/**
 * Lets in who has the vendor's key and an integration's. Counted per process: behind several API processes a vendor may
 * ask, and an attacker try, that many times as much.
 *
 * @param requestsPerSecond of one key before 429 (the real one's limit is 100: reference/gradient.md §3)
 */
export function authenticateVendor(vendorKeys: ReadonlyMap<string, string>, requestsPerSecond: number) {
  const wrong = new Map<string, { count: number; until: number }>();
  const asked = new Map<string, { second: number; count: number }>();

  function refuse(address: string): VendorApiError {
    const now = Date.now();
    const seen = wrong.get(address);
    const current = seen && seen.until > now ? seen : { count: 0, until: now + wrongKeys.perMs };
    current.count++;
    wrong.set(address, current);
    if (wrong.size > 10_000) wrong.clear();
    return current.count > wrongKeys.most ? tooMany(Math.ceil((current.until - now) / 1_000)) : unauthorized();
  }

  function limit(keyId: string): void {
    const second = Math.floor(Date.now() / 1_000);
    const seen = asked.get(keyId);
    const current = seen?.second === second ? seen : { second, count: 0 };
    current.count++;
    asked.set(keyId, current);
    if (asked.size > 10_000) asked.clear();
    if (current.count > requestsPerSecond) throw tooMany(1);
  }

  return createMiddleware<VendorApiEnv>(async (c, next) => {
    const address = addressOf(c);
    const keys = keysOf(c.req.header('gradient-token') ?? '');
    if (!keys) throw refuse(address);
    const { db } = c.get('deps');
    const found = await findIntegrationByKey(db, keys.integrationKey);
    const expected = found && vendorKeys.get(found.integration.vendor);
    // Compared even when there is nothing to compare with, so that the time taken tells nothing.
    const isVendor = timingSafeEqual(sha256(keys.vendorKey), sha256(expected ?? ''));
    if (!found || expected === undefined || !isVendor) throw refuse(address);
    limit(found.keyId);
    if (!found.lastUsedAt || Date.now() - found.lastUsedAt.getTime() > touchEveryMs)
      await touchIntegrationKey(db, found.keyId);
    c.set('integration', found.integration);
    await next();
  });
}

function tooMany(seconds: number): VendorApiError {
  return new VendorApiError(429, 'ThrottlerException: Too Many Requests', { 'retry-after': String(seconds) });
}

/** The vendor key has no colon; everything after the first one is the integration's. */
function keysOf(header: string): { vendorKey: string; integrationKey: string } | undefined {
  if (header.length > 1_000) return undefined;
  const [, vendorKey, integrationKey] = /^([^:]+):(.+)$/s.exec(Buffer.from(header, 'base64').toString('utf8')) ?? [];
  return vendorKey && integrationKey ? { vendorKey, integrationKey } : undefined;
}

function addressOf(c: VendorContext): string {
  try {
    return getConnInfo(c).remote.address ?? 'unknown';
  } catch {
    // Called without a server, as in a test of the app alone.
    return 'unknown';
  }
}
