/** Where Temporal is, and how it is reached: the variables `TEMPORAL_*` over a profile of a file, by Temporal's own envconfig. */
import { existsSync } from 'node:fs';
import type { Metadata, TLSConfig } from '@temporalio/client';
import { loadClientConfigProfile, toClientOptions, type ClientConfigProfile } from '@temporalio/envconfig';

/** What a connection is opened with: a client's, and a worker's. */
export interface TemporalOptions {
  /** host:port of the frontend. */
  address: string;
  tls?: TLSConfig | boolean;
  apiKey?: string;
  metadata?: Metadata;
}

/**
 * Reads the profile. The file that lies in a home folder is not read: what the `temporal` program uses there may not decide
 * where a service connects.
 *
 * @param variables of the environment, none of them empty
 * @throws Error that names the variable that does not fit
 */
export function readProfile(variables: Record<string, string>): ClientConfigProfile {
  const { TEMPORAL_CONFIG_FILE: path, TEMPORAL_PROFILE: profile } = variables;
  if (path === undefined) {
    if (profile !== undefined)
      throw new Error('TEMPORAL_PROFILE is set, but TEMPORAL_CONFIG_FILE is not: name the file that has the profile.');
    return loadClientConfigProfile({ overrideEnvVars: variables, disableFile: true });
  }
  if (!existsSync(path)) throw new Error(`TEMPORAL_CONFIG_FILE names ${path}, which is not there.`);
  try {
    return loadClientConfigProfile({
      overrideEnvVars: variables,
      configSource: { path },
      configFileStrict: true,
    });
  } catch (error) {
    throw new Error(`${path} (TEMPORAL_CONFIG_FILE) cannot be used: ${wordsOf(error)}`, { cause: error });
  }
}

/**
 * @param environment api's, worker's, migrate's or doctor's
 * @returns address, TLS, key and headers of the connection
 * @throws Error that says which certificate or key is missing or cannot be read
 */
export function temporalOptions(
  environment: Readonly<Record<string, unknown>> & { TEMPORAL_ADDRESS: string },
): TemporalOptions {
  const variables = Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      name.startsWith('TEMPORAL_') && (typeof value === 'string' || typeof value === 'boolean')
        ? [[name, `${value}`]]
        : [],
    ),
  );
  const profile = readProfile(variables);
  const { clientCert, clientKey, disabled } = profile.tls ?? {};
  if (disabled !== true && (clientCert === undefined) !== (clientKey === undefined))
    throw new Error(
      `Temporal's TLS has a client ${clientCert ? 'certificate without its key' : 'key without its certificate'}: give both, as TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH.`,
    );
  try {
    const { tls, apiKey, metadata } = toClientOptions(profile).connectionOptions;
    return {
      address: environment.TEMPORAL_ADDRESS,
      ...(tls == null ? {} : { tls }),
      ...(apiKey === undefined ? {} : { apiKey }),
      ...(metadata === undefined ? {} : { metadata }),
    };
  } catch (error) {
    throw new Error(`A certificate or key for Temporal cannot be read: ${wordsOf(error)}`, { cause: error });
  }
}

const wordsOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
