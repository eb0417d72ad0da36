/**
 * Makes the adapters of stored connections: credentials are decrypted when needed, and each connection has one rate
 * limiter.
 */
import type { Logger } from 'pino';
import { attemptIfAny } from '../activities/alarm.ts';
import type { Connectors } from '../activities/dependencies.ts';
import { ConnectorError } from '../connectors/errors.ts';
import type { HttpLogger } from '../connectors/http.ts';
import { isVendor, psaOf, vendors } from '../connectors/registry.ts';
import type { PsaAdapter } from '../connectors/psa.ts';
import type { PsaOptions } from '../connectors/psaEntry.ts';
import type { RateLimiter } from '../connectors/rateLimiter.ts';
import { createRateLimiter, type ConnectionLimits } from './rateLimiter.ts';
import { createTokenStore } from './tokenStore.ts';
import type { Database } from '../db/client.ts';
import { rateLimitName, type Connection } from '../db/queries/rateLimit.ts';
import type { Encryption } from '../db/encryption.ts';
import { readIntegration } from '../db/queries/integration.ts';
import { readPsaConnection } from '../db/queries/psaConnection.ts';
import type { Environment } from '../environment.ts';

/** Calls per second to one connection of a vendor, unless CALLS_PER_SECOND is set. */
const vendorCallsPerSecond = 5;

/** A call that writes is claimed in PostgreSQL before it is sent; after this time a place among the calls at once is free again. */
const claimingMs = 10_000;

export function createConnectors(
  db: Database,
  encryption: Encryption,
  environment: Environment,
  logger: Logger,
): Connectors {
  // One rate limiter per connection in this process, so that its batch of permits serves all activities.
  const rateLimiters = new Map<string, RateLimiter>();
  // An adapter has to call the PSA to find out where its API is, so adapters are kept, instead of made anew for each
  // activity. New credentials, or other settings, make a new adapter.
  const adapters = new Map<string, { madeOf: string; adapter: PsaAdapter }>();
  const longestCallMs = environment.CALL_TIMEOUT_MS + claimingMs;
  const optionsFor = (of: Connection, limits: Omit<ConnectionLimits, 'longestCallMs'>): PsaOptions => {
    const connection = rateLimitName(of);
    const rateLimiter = rateLimiters.get(connection) ?? createRateLimiter(db, connection, { ...limits, longestCallMs });
    rateLimiters.set(connection, rateLimiter);
    return {
      allowPrivateHosts: environment.ALLOW_PRIVATE_HOSTS,
      timeoutMs: environment.CALL_TIMEOUT_MS,
      rateLimiter: rateLimiter,
      logger: inAttempt(logger.child({ connection })),
    };
  };

  return {
    async vendorOf(integrationId) {
      const row = await readIntegration(db, integrationId);
      if (!isVendor(row.vendor) || row.credentials === null) throw noCredentials('vendor');
      const credentials = decrypt(encryption, row.credentials, row.id);
      return vendors[row.vendor].create(credentials, row.settings, {
        ...optionsFor(
          { of: 'vendor', id: row.id },
          { callsPerSecond: environment.CALLS_PER_SECOND ?? vendorCallsPerSecond },
        ),
        mailprotectorUrl: environment.MAILPROTECTOR_URL,
        concurrency: environment.CALL_CONCURRENCY,
      });
    },

    async psaOf(psaConnectionId) {
      const row = await readPsaConnection(db, psaConnectionId);
      const psa = psaOf(row.kind);
      if (!psa) throw noCredentials('PSA');
      const { settings } = row;
      const madeOf = JSON.stringify([row.credentials, settings]);
      const known = adapters.get(row.id);
      if (known?.madeOf === madeOf) return known.adapter;
      const credentials = decrypt(encryption, row.credentials, row.id);
      const { callsPerSecond, perRoute, concurrency } = psa.limits;
      const options = optionsFor(
        { of: 'psa', id: row.id },
        { callsPerSecond: environment.CALLS_PER_SECOND ?? callsPerSecond, perRoute, concurrency },
      );
      const tokenStore = createTokenStore(db, encryption, row.id);
      const adapter = psa.create({ credentials, settings, environment }, { ...options, tokenStore });
      adapters.set(row.id, { madeOf, adapter });
      return adapter;
    },
  };
}

/** A log whose lines also say for which attempt of which activity a call was made, so that a failed call needs no second line. */
const inAttempt = (log: Logger): HttpLogger => ({
  debug: (fields, message) => log.debug({ ...fields, ...attemptIfAny() }, message),
  warn: (fields, message) => log.warn({ ...fields, ...attemptIfAny() }, message),
});

function decrypt(encryption: Encryption, text: string, rowId: string): unknown {
  try {
    return encryption.decrypt(text, rowId);
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : 'The stored credentials cannot be decrypted.';
    throw new ConnectorError({ kind: 'permanent', code: 'bad_credentials', detail, cause });
  }
}

function noCredentials(which: string): ConnectorError {
  return new ConnectorError({
    kind: 'permanent',
    code: 'bad_credentials',
    detail: `No ${which} credentials are stored.`,
  });
}
