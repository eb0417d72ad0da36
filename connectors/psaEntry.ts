/** What the registry knows of a PSA: everything that a page, a route or a process says or asks about it stands in one entry. */
import { z } from 'zod';
import { defaultLossLimit } from '../domain/refreshGuard.ts';
import { zeroChoices } from '../domain/psaCaps.ts';
import { field } from './fields.ts';
import type { HttpLogger } from './http.ts';
import type { AlertCapability, Capability, PsaAdapter, PsaWords, RightWords } from './psa.ts';
import type { RateLimiter } from './rateLimiter.ts';
import type { TokenStore } from './tokens.ts';

/** The halves of an integration, each with rights of its own. */
export const psaModules = ['billing', 'alerts'] as const;
export type PsaModule = (typeof psaModules)[number];

export interface PsaRight extends RightWords {
  /** The modules that do not work without it. */
  blocks: readonly PsaModule[];
}

/** What a PSA bears. CALLS_PER_SECOND sets another rate for the whole deployment. */
export interface PsaLimits {
  /** Calls per second to one connection, over all workers. */
  callsPerSecond: number;
  /** Calls per second to single routes (`/tickets/{id}`), over all workers; they count towards `callsPerSecond`, too. */
  perRoute?: Readonly<Record<string, number>>;
  /** The most calls at once to one connection, over all workers; absent = any number, and CALL_CONCURRENCY of one reading. */
  concurrency?: number;
  /** How long its lists and searches may lag behind a write, in milliseconds, where that is longer than PSA_SEARCH_LAG_MS. */
  searchLagMs?: number;
}

/** What the contract shows as an example; all of it is made up. */
export interface PsaExample {
  connectionName: string;
  credentials: Record<string, unknown>;
  settings: Record<string, unknown>;
  serverVersion: string;
  /** What Check Permissions says of `lines.read`. */
  evidence: string;
  /** Why the lines of an agreement could not be read. */
  unread: string;
  ticketUrl: string;
}

/** What an adapter shares with the rest of its process. */
export interface PsaOptions {
  /** Accepts http:// and private addresses: for simulators and servers in a network of one's own. */
  allowPrivateHosts: boolean;
  timeoutMs: number;
  rateLimiter: RateLimiter;
  /** Shares a token that ends with all workers (`createTokens` in tokens.ts); absent = no connection is stored yet. */
  tokenStore?: TokenStore | undefined;
  logger?: HttpLogger | undefined;
}

/** What a person may set for every connection, whatever its PSA is. */
const everyConnection = {
  zero: field(z.enum(zeroChoices).default('set'), {
    label: 'A line that should go to 0',
    where: 'It is set to 0 in the PSA, or approving it makes a to-do for a person, who ends the line there.',
    choices: { set: 'Set to 0', todo: 'A to-do for a person' },
  }),
  lostPercent: field(z.int().min(1).max(100).default(defaultLossLimit.lostPercent), {
    label: 'Rows that a reading may lose, in percent',
    where:
      'A reading of the PSA that lost a larger share of the accounts or lines, without an error, is held until a person releases or discards it.',
  }),
  lostRows: field(z.int().min(1).max(1_000_000).default(defaultLossLimit.lostRows), {
    label: 'Rows that are always believed to be gone',
    where: 'A reading that lost fewer rows than this is never held, however large their share is.',
  }),
};

interface Schemas<C extends z.ZodObject, S extends z.ZodObject, D extends z.ZodObject> {
  /** The PSA's name, as people say it. */
  name: string;
  /** What a person gives: each field with its label and where to find it (`field` in fields.ts). */
  credentials: C;
  /** What a person may set for one connection, beside what holds for every connection; every field has a default. */
  settings: S;
  /**
   * Environment variables that this PSA alone needs, by their names, each described. Their values are texts, and none of them is
   * required, because other PSAs work without.
   */
  deployment: D;
  limits: PsaLimits;
  words: PsaWords;
  /** Where all of the rights are set. */
  rightsAt: string;
  /** A right that is not listed does not exist in this PSA, and the adapter reports it as granted. */
  rights: Partial<Record<Capability | AlertCapability, PsaRight>>;
  example: PsaExample;
}

/** An entry as its connector writes it, with its own types. */
interface TypedEntry<C extends z.ZodObject, S extends z.ZodObject, D extends z.ZodObject> extends Schemas<C, S, D> {
  /** What whoever runs Countersign has to set before this PSA can be connected, as a sentence; null = nothing. */
  missing(deployment: z.output<D>): string | null;
  /** @throws ConnectorError when the credentials name an address that may not be called, or that is none of this PSA */
  check(credentials: z.output<C>, options: Pick<PsaOptions, 'allowPrivateHosts'>): void | Promise<void>;
  create(
    given: { credentials: z.output<C>; settings: z.output<S>; deployment: z.output<D> },
    options: PsaOptions,
  ): PsaAdapter;
}

/** An entry as everybody else uses it; what it is given is checked by its schemas. */
export interface PsaEntry extends Schemas<z.ZodObject, z.ZodObject, z.ZodObject> {
  /** @param environment the process's; the entry takes its own variables from it */
  missing(environment: object): string | null;
  /** @throws ConnectorError when the credentials name an address that may not be called, or that is none of this PSA */
  check(credentials: unknown, options: Pick<PsaOptions, 'allowPrivateHosts'>): Promise<void>;
  /**
   * @param given.settings as they are stored; absent ones get their defaults
   * @param given.environment the process's
   */
  create(given: { credentials: unknown; settings: unknown; environment: object }, options: PsaOptions): PsaAdapter;
}

export function definePsa<C extends z.ZodObject, S extends z.ZodObject, D extends z.ZodObject>(
  entry: TypedEntry<C, S, D>,
): PsaEntry {
  const { credentials, deployment } = entry;
  const settings = entry.settings.extend(everyConnection);
  return {
    ...entry,
    settings,
    missing: (environment) => entry.missing(deployment.parse(environment)),
    check: async (given, options) => entry.check(credentials.parse(given), options),
    create: (given, options) =>
      entry.create(
        {
          credentials: credentials.parse(given.credentials),
          // The entry's own settings are among them.
          settings: settings.parse(given.settings) as z.output<S>,
          deployment: deployment.parse(given.environment),
        },
        options,
      ),
  };
}
