/**
 * The configuration: one table of all environment variables. `docs/configuration.md` lists the same variables; a test
 * compares the two.
 */
import { z } from 'zod';
import { psaVariables } from './connectors/registry.ts';
import { defaultTiming } from './domain/process/timing.ts';
import { isTimeZone } from './domain/schedule.ts';
import { readProfile } from './temporal/profile.ts';
import { UsageError } from './usageError.ts';

const port = z.coerce.number().int().min(0).max(65535);
const flag = z.stringbool();
const ms = z.coerce.number().int().min(1);

const namedTexts = z.string().regex(/^[a-z][a-z0-9-]*=[^,]+(,[a-z][a-z0-9-]*=[^,]+)*$/);

/** Reads `a=x,b=y`. @param between what stands between a name and its value, at its first place */
export function valuesByName(text = '', between = '='): Map<string, string> {
  return new Map(
    text.split(',').flatMap((entry): [string, string][] => {
      const at = entry.indexOf(between);
      return at > 0 ? [[entry.slice(0, at), entry.slice(at + 1)]] : [];
    }),
  );
}

const variables = {
  DATABASE_URL: z.string().startsWith('postgres').describe('PostgreSQL, as a postgres:// URL'),
  DIRECT_DATABASE_URL: z
    .string()
    .startsWith('postgres')
    .optional()
    .describe(
      'The same database without a transaction pooler (PgBouncer) in between, for migrate; if unset, DATABASE_URL',
    ),
  DATABASE_POOL: z.coerce
    .number()
    .int()
    .min(1)
    .default(10)
    .describe('Connections to PostgreSQL per process; the api opens as many again while counts are posted'),
  ENCRYPTION_KEYS: z
    .string()
    .regex(/^[\w-]+:[A-Za-z0-9+/]{43}=(,[\w-]+:[A-Za-z0-9+/]{43}=)*$/)
    .describe('Keys that encrypt credentials, `id:base64 of 32 bytes`, newest first, comma separated'),
  VENDOR_API_KEYS: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,49}:[^:,\s]{8,}(,[a-z][a-z0-9-]{0,49}:[^:,\s]{8,})*$/)
    .optional()
    .describe('The key of each vendor that pushes, `vendor:key`, comma separated; without it no vendor can push'),
  VENDOR_NAMES: namedTexts
    .optional()
    .describe('Names of vendors that only push, `vendor=name`, comma separated; if unset, the word in VENDOR_API_KEYS'),
  VENDOR_PORTALS: namedTexts
    .refine((text) =>
      [...valuesByName(text).values()].every((url) => z.url({ protocol: /^https?$/ }).safeParse(url).success),
    )
    .optional()
    .describe('Addresses of the own pages of vendors that only push, `vendor=https://…`, comma separated'),
  TEMPORAL_ADDRESS: z.string().default('127.0.0.1:7233').describe('Temporal frontend, host:port'),
  TEMPORAL_NAMESPACE: z.string().default('default').describe('Temporal namespace'),
  TEMPORAL_API_KEY: z.string().optional().describe('Key for Temporal Cloud; it turns TLS on'),
  TEMPORAL_TLS: flag.optional().describe('TLS to Temporal, on or off; on if one of the following is set'),
  TEMPORAL_TLS_CLIENT_CERT_PATH: z.string().optional().describe('File of the client certificate (mTLS), PEM'),
  TEMPORAL_TLS_CLIENT_CERT_DATA: z.string().optional().describe('That certificate itself, instead of its file'),
  TEMPORAL_TLS_CLIENT_KEY_PATH: z.string().optional().describe("File of the client certificate's private key, PEM"),
  TEMPORAL_TLS_CLIENT_KEY_DATA: z.string().optional().describe('That key itself, instead of its file'),
  TEMPORAL_TLS_SERVER_CA_CERT_PATH: z
    .string()
    .optional()
    .describe("File of the CA that signs the server's certificate, PEM; if unset, the CAs that are known anyway"),
  TEMPORAL_TLS_SERVER_CA_CERT_DATA: z.string().optional().describe('That CA itself, instead of its file'),
  TEMPORAL_TLS_SERVER_NAME: z
    .string()
    .optional()
    .describe("Name in the server's certificate, where it is not that of the address"),
  TEMPORAL_CONFIG_FILE: z
    .string()
    .optional()
    .describe("File with profiles as the temporal program writes it; variables win over the file's"),
  TEMPORAL_PROFILE: z.string().optional().describe('The profile of that file; if unset, default'),
  TEMPORAL_UI_URL: z.string().optional().describe('Address of the Temporal UI, for links in answers'),
  API_HOST: z.string().default('127.0.0.1').describe('Address the API listens on'),
  API_PORT: port.default(8080).describe('Port the API listens on; 0 = any free one'),
  PUBLIC_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      'Address at which people open the console; with https cookies are Secure; if unset, the address that is asked',
    ),
  SESSION_SECRET: z
    .string()
    .min(32)
    .optional()
    .describe('Signs session cookies, 32 characters or more; if unset, derived from the first of ENCRYPTION_KEYS'),
  TRUSTED_PROXIES: z.coerce
    .number()
    .int()
    .min(0)
    .default(0)
    .describe('Reverse proxies before the api that add to X-Forwarded-For; attempts to sign in are counted by client'),
  API_BODY_LIMIT: z.coerce.number().int().default(1_048_576).describe('Largest request body, in bytes'),
  MAPPING_FILE_LIMIT: z.coerce
    .number()
    .int()
    .default(33_554_432)
    .describe('Largest body that imports a mapping file, in bytes; 100,000 lines are about 8 MB'),
  API_RATE_PER_SECOND: z.coerce.number().default(50).describe('Requests per second of one token before 429'),
  EVENT_STREAMS: z.coerce
    .number()
    .int()
    .min(1)
    .default(200)
    .describe('Event streams (open pages) of one organization at one api before 429'),
  VENDOR_API_RATE_PER_SECOND: z.coerce
    .number()
    .default(100)
    .describe("Requests per second of one integration key before 429; 100 is Gradient's"),
  METRICS_HOST: z.string().default('127.0.0.1').describe("Address of the worker's /metrics and /readyz"),
  METRICS_PORT: port.default(9464).describe("Port of the worker's /metrics and /readyz; 0 = any free one"),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info').describe('pino log level'),
  WORKFLOW_BUNDLE: z
    .string()
    .optional()
    .describe('Prebuilt workflow bundle; if unset, that of `npm run build`, or one made from the sources at start'),
  WORKER_BUILD_ID: z
    .string()
    .regex(/^[\w.+-]{1,100}$/)
    .optional()
    .describe('Build of this worker; turns worker versioning on: `deploy promote` makes a build current'),
  SHUTDOWN_GRACE_MS: ms.default(20_000).describe('How long a worker lets activities finish at shutdown'),
  STICKY_TIMEOUT_MS: ms.default(10_000).describe('How long Temporal waits for the worker that has the workflow cached'),
  MAX_ACTIVITIES: z.coerce.number().int().min(1).default(40).describe('Activities at once per worker and task queue'),
  MAILPROTECTOR_URL: z.string().default('https://emailservice.io').describe("Mailprotector's API host"),
  ALLOW_PRIVATE_HOSTS: flag
    .default(false)
    .describe('Accept http:// and private addresses for a PSA (simulators, on-premises)'),
  CALLS_PER_SECOND: z.coerce
    .number()
    .min(0.1)
    .optional()
    .describe(
      "Calls per second to one connection, over all workers; after a pause one second's worth may go at once; if unset, the rate of its PSA, and 5 for a vendor",
    ),
  CALL_CONCURRENCY: z.coerce.number().int().min(1).default(4).describe('Calls at once to one connection'),
  CALL_TIMEOUT_MS: ms.default(30_000).describe('Longest wait for one answer of a vendor or PSA'),
  PSA_SEARCH_LAG_MS: ms.default(60_000).describe("How long the PSA's answers may lag behind a write"),
  PSA_SEARCH_LOOKS: z.coerce
    .number()
    .int()
    .min(1)
    .default(3)
    .describe(
      'How often a ticket that may exist is searched for, each time after twice the wait, before it is posted again',
    ),
  ALERTS_IN_FLIGHT: z.coerce
    .number()
    .int()
    .min(1)
    .default(20)
    .describe('Alerts of one integration that are being delivered at once'),
  MIGRATION_SIGNAL: z
    .enum(['modules', 'alert', 'none'])
    .default('modules')
    .describe(
      'How a vendor requests Migrate to Alerts: modules (PATCH /vendor-api), alert (also its first alert), none',
    ),
  PUSH_IDLE_MS: ms.default(5_000).describe('Posted counts are processed when none has come for this long'),
  PUSH_LONGEST_MS: ms
    .default(60_000)
    .describe('Posted counts are processed after this at the latest, even if more still come'),
  PUSH_LEFTOVER_MS: ms
    .default(600_000)
    .describe('Counts posted only with no_build are processed when none has come for this long'),
  ONBOARDING_REMIND_MS: ms
    .default(86_400_000)
    .describe('How often somebody is reminded of a new customer that is not mapped'),
  ONBOARDING_ESCALATE_MS: ms
    .default(604_800_000)
    .describe('After this time a new customer that is not mapped is reported as a problem'),
  CREDENTIALS_MAX_AGE_DAYS: z.coerce
    .number()
    .int()
    .min(1)
    .default(365)
    .describe('Age from which credentials without a known expiry date are warned about'),
  DEFAULT_SCHEDULE: z
    .enum(['everyNight', 'never'])
    .default('everyNight')
    .describe('When an integration without a chosen schedule syncs by itself: everyNight (at 03:30), never'),
  DEFAULT_TIME_ZONE: z
    .string()
    .refine(isTimeZone)
    .default('UTC')
    .describe('The time zone of schedules for which none was chosen, an IANA name'),
  SWEEP_INTERVAL_MS: ms.default(60_000).describe('How often the sweep looks for overdue processes'),
  SWEEP_OVERDUE_MS: ms.default(30_000).describe('How long a process may be overdue before the sweep wakes it'),
  BLOCKED_GAP_MS: ms.default(defaultTiming.blockedGapMs).describe('A blocked step is tried at most once in this time'),
  UNREACHABLE_RETRY_MS: ms
    .default(defaultTiming.unreachableRetryMs)
    .describe('An unreachable step tries again after this time'),
  TRANSIENT_LIMIT_MS: ms
    .default(defaultTiming.transientLimitMs)
    .describe('How long transient failures are retried before a step is unreachable'),
  RETRYING_SHOWN_MS: ms
    .default(defaultTiming.retryingShownMs)
    .describe('A step that has failed for this long while it is retried is shown as retrying'),
  WORKER_SILENT_MS: ms
    .default(90_000)
    .describe('A worker that has not asked Temporal for work for this long counts as dead'),
  FIRST_RETRY_MS: ms.default(defaultTiming.firstRetryMs).describe('First wait before a retry; doubles each time'),
  MAX_RETRY_MS: ms.default(defaultTiming.maxRetryMs).describe('Longest wait between two retries'),
  HEARTBEAT_MS: ms
    .default(defaultTiming.heartbeatMs)
    .describe('Time without a heartbeat after which an activity counts as dead'),
  ATTEMPT_MS: ms.default(defaultTiming.attemptMs).describe('Longest time of one attempt of an activity'),
} satisfies Record<string, z.ZodType>;

const schema = z.object(variables);

/** The variables that single PSAs need are there too; only the PSA's entry in the registry knows them. */
export type Environment = z.infer<typeof schema>;

/** All variables: those of this table, and those of each PSA. */
const all = z.object({ ...variables, ...psaVariables() });

/** A variable as docs/configuration.md lists it. */
export interface Variable {
  meaning: string;
  required: boolean;
  /** The default as it would be written in the environment; undefined = none. */
  default: string | undefined;
}

/** Every variable, for the table in the docs and its test. */
export const environmentVariables: Readonly<Record<string, Variable>> = Object.fromEntries(
  Object.entries<z.ZodType>(all.shape).map(([name, type]) => {
    const unset = type.safeParse(undefined);
    const preset = unset.success && unset.data !== undefined ? String(unset.data) : undefined;
    return [name, { meaning: type.description ?? '', required: !unset.success, default: preset }];
  }),
);

/**
 * Parses the environment. Empty strings count as unset.
 *
 * @param source process.env, or an object like it
 * @throws UsageError that names every wrong variable and what it means; values are not repeated (they may be secrets)
 */
export function readEnvironment(source: Record<string, string | undefined>): Environment {
  const given = Object.fromEntries(
    Object.keys(all.shape).flatMap((name) => (source[name] ? [[name, source[name]]] : [])),
  );
  const parsed = all.safeParse({ ...placeOf(given), ...given });
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map((issue) => {
    const name = String(issue.path[0]);
    const state = given[name] === undefined ? 'is not set' : 'has a value that does not fit';
    return `  ${name} ${state}: ${environmentVariables[name]?.meaning ?? ''}`;
  });
  throw new UsageError(`The environment is not complete:\n${lines.join('\n')}\nSee docs/configuration.md.`);
}

/** Address and namespace as a profile has them, if there is one: variables win over them, and they win over the defaults. */
function placeOf(given: Record<string, string>) {
  const { address, namespace } = readProfile(given);
  return {
    ...(address === undefined ? {} : { TEMPORAL_ADDRESS: address }),
    ...(namespace === undefined ? {} : { TEMPORAL_NAMESPACE: namespace }),
  };
}

/** The timing part of the environment. An activity hands it to workflows, so that it is in their history. */
export function timingOf(environment: Environment) {
  return {
    blockedGapMs: environment.BLOCKED_GAP_MS,
    unreachableRetryMs: environment.UNREACHABLE_RETRY_MS,
    transientLimitMs: environment.TRANSIENT_LIMIT_MS,
    retryingShownMs: environment.RETRYING_SHOWN_MS,
    firstRetryMs: environment.FIRST_RETRY_MS,
    maxRetryMs: environment.MAX_RETRY_MS,
    heartbeatMs: environment.HEARTBEAT_MS,
    attemptMs: environment.ATTEMPT_MS,
  };
}
