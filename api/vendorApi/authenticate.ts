/** Authenticates a vendor by `GRADIENT-TOKEN: base64("<vendor key>:<integration key>")` (reference/gradient.md §1). */
import { createHash, timingSafeEqual } from 'node:crypto';
import { getConnInfo } from '@hono/node-server/conninfo';
import { createMiddleware } from 'hono/factory';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { hashSecret } from '../../db/encryption.ts';
import type { IntegrationRow } from '../../db/queries/integration.ts';
import { findIntegrationByKey, touchIntegrationKey, type PresentedKeys } from '../../db/queries/push.ts';
import { consume } from '../limiter.ts';
import { VendorApiError, type VendorApiEnv, type VendorContext } from './responses.ts';

/**
 * After so many wrong keys from one address further ones are answered 429, for so long. A right key is always accepted: a
 * vendor pushes for all its customers from one address, and only one of them may have rotated its key.
 */
const wrongKeys = { points: 20, duration: 60 };

const sha256 = (text: string) => createHash('sha256').update(text).digest();
const unauthorized = () => new VendorApiError(401, 'Unauthorized');

export interface VendorGate {
  /**
   * Lets a request in that has a vendor's key and an integration's key.
   *
   * @param admit asks the database whether the keys are valid, and may do the request's work in the same statement
   * @throws VendorApiError 401 or 429
   */
  enter<T extends { keyId: string; stale: boolean }>(
    c: VendorContext,
    admit: (keys: PresentedKeys) => Promise<T | undefined>,
  ): Promise<T>;
  /**
   * Refuses what can be refused before the body has come, for a route that does its work while it lets in: a request without
   * keys, and one with wrong keys whose body says not how long it is, because that may never end.
   */
  beforeBody(c: VendorContext): Promise<void>;
  /** Lets a request in without doing any work. */
  authenticate(c: VendorContext): Promise<IntegrationRow>;
}

/**
 * Creates the gate. Each API process counts for itself, so with several of them the limits are that many times as high.
 *
 * @param vendorKeys the key of each vendor
 * @param requestsPerSecond the most requests of one key before 429 (Gradient's limit is 100: reference/gradient.md §3)
 */
export function createVendorGate(vendorKeys: ReadonlyMap<string, string>, requestsPerSecond: number): VendorGate {
  const expected = [...vendorKeys].map(([vendor, key]) => ({ vendor, digest: sha256(key) }));
  const wrong = new RateLimiterMemory(wrongKeys);
  const asked = new RateLimiterMemory({ points: requestsPerSecond, duration: 1 });

  async function refuse(c: VendorContext): Promise<VendorApiError> {
    const waitSeconds = await consume(wrong, addressOf(c));
    return waitSeconds > 0 ? tooMany(waitSeconds) : unauthorized();
  }

  async function limit(keyHash: string): Promise<void> {
    const waitSeconds = await consume(asked, keyHash);
    if (waitSeconds > 0) throw tooMany(waitSeconds);
  }

  /** Compares the key with every vendor's, so that the time that this takes reveals nothing. */
  function vendorsOf(vendorKey: string): string[] {
    const digest = sha256(vendorKey);
    return expected.filter((each) => timingSafeEqual(each.digest, digest)).map((each) => each.vendor);
  }

  const gate: VendorGate = {
    async enter(c, admit) {
      const keys = keysOf(c.req.header('gradient-token') ?? '');
      if (!keys) throw await refuse(c);
      const keyHash = hashSecret(keys.integrationKey);
      // Limited before the database is asked, because a request over the limit must not be stored. What was let in is not counted again.
      if (!c.get('integration')) await limit(keyHash);
      // The database is asked even when no vendor has this key, so that the time reveals nothing here either.
      const found = await admit({ keyHash, vendors: vendorsOf(keys.vendorKey) });
      if (!found) {
        // Only valid keys keep a counter: there are endless wrong ones, and these are counted by address.
        await asked.delete(keyHash);
        throw await refuse(c);
      }
      if (found.stale) await touchIntegrationKey(c.get('deps').db, found.keyId);
      return found;
    },
    async beforeBody(c) {
      if (!keysOf(c.req.header('gradient-token') ?? '')) throw await refuse(c);
      if (c.get('bodyLimit')) c.set('integration', await gate.authenticate(c));
    },
    async authenticate(c) {
      const { db } = c.get('deps');
      return (await gate.enter(c, (keys) => findIntegrationByKey(db, keys))).integration;
    },
  };
  return gate;
}

/** Authenticates before the handler, for routes that need the integration first. */
export function authenticateVendor(gate: VendorGate) {
  return createMiddleware<VendorApiEnv>(async (c, next) => {
    c.set('integration', await gate.authenticate(c));
    await next();
  });
}

function tooMany(seconds: number): VendorApiError {
  return new VendorApiError(429, 'ThrottlerException: Too Many Requests', { 'retry-after': String(seconds) });
}

/** Splits the header. The vendor key has no colon; everything after the first colon is the integration key. */
function keysOf(header: string): { vendorKey: string; integrationKey: string } | undefined {
  if (header.length > 1_000) return undefined;
  const [, vendorKey, integrationKey] = /^([^:]+):(.+)$/s.exec(Buffer.from(header, 'base64').toString('utf8')) ?? [];
  return vendorKey && integrationKey ? { vendorKey, integrationKey } : undefined;
}

function addressOf(c: VendorContext): string {
  try {
    return getConnInfo(c).remote.address ?? 'unknown';
  } catch {
    // There is no connection when a test calls the app without a server.
    return 'unknown';
  }
}
