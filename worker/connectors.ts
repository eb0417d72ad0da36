/**
 * Makes the adapters of stored connections: credentials are decrypted when needed, and each connection has one rate
 * limiter.
 */
import type { Logger } from 'pino';
import { attemptIfAny } from '../activities/alarm.ts';
import type { Connectors } from '../activities/dependencies.ts';
import { ConnectorError } from '../connectors/errors.ts';
import type { HttpLogger } from '../connectors/http.ts';
import { isPsa, isVendor, psas, vendors, type ConnectorOptions } from '../connectors/registry.ts';
import type { PsaAdapter } from '../connectors/psa.ts';
import { createRateLimiter } from './rateLimiter.ts';
import type { Database } from '../db/client.ts';
import { rateLimitName, type Connection } from '../db/queries/rateLimit.ts';
import type { Encryption } from '../db/encryption.ts';
import { readIntegration } from '../db/queries/integration.ts';
import { readPsaConnection } from '../db/queries/psaConnection.ts';
import type { Environment } from '../environment.ts';

export function createConnectors(
  db: Database,
  encryption: Encryption,
  environment: Environment,
  logger: Logger,
): Connectors {
  // One rate limiter per connection in this process, so that its batch of permits serves all activities.
  const rateLimiters = new Map<string, ConnectorOptions['rateLimiter']>();
  // An adapter has to call the PSA to find out where its API is, so adapters are kept, instead of made anew for each
  // activity. New credentials make a new adapter.
  const adapters = new Map<string, { credentials: string; adapter: PsaAdapter }>();
  const optionsFor = (of: Connection): ConnectorOptions => {
    const connection = rateLimitName(of);
    const rateLimiter = rateLimiters.get(connection) ?? createRateLimiter(db, connection, environment.CALLS_PER_SECOND);
    rateLimiters.set(connection, rateLimiter);
    return {
      mailprotectorUrl: environment.MAILPROTECTOR_URL,
      connectwiseClientId: environment.CONNECTWISE_CLIENT_ID ?? '',
      allowPrivateHosts: environment.ALLOW_PRIVATE_HOSTS,
      concurrency: environment.CALL_CONCURRENCY,
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
      return vendors[row.vendor].create(credentials, row.settings, optionsFor({ of: 'vendor', id: row.id }));
    },

    async psaOf(psaConnectionId) {
      const row = await readPsaConnection(db, psaConnectionId);
      if (!isPsa(row.kind)) throw noCredentials('PSA');
      const known = adapters.get(row.id);
      if (known?.credentials === row.credentials) return known.adapter;
      const credentials = decrypt(encryption, row.credentials, row.id);
      const adapter = psas[row.kind].create(credentials, optionsFor({ of: 'psa', id: row.id }));
      adapters.set(row.id, { credentials: row.credentials, adapter });
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
