/**
 * Tokens that end: a PSA that is signed in to with a form gives one for some seconds or hours, and may give another refresh token each
 * time. A token is taken before a write is claimed, so that signing in never uses up the time of a claim (invariants 5 and 6).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { ConnectorError } from './errors.ts';
import type { HttpClient } from './http.ts';
import { asNobody } from './readingStep.ts';
import type { Secrets } from './secrets.ts';

/** What signing in gives. */
export interface Token {
  access: string;
  /** Epoch milliseconds from which another token is wanted; it is a good while before the token ends. */
  renewAt: number;
  /** With which the next token is asked for, once; absent = the credentials are given again. */
  refresh?: string;
}

/** A token as it is shared; `generation` differs for each. */
export interface SharedToken {
  token: Token;
  generation: string;
}

/** Keeps a connection's token for all workers, encrypted: a refresh token that was used once is of no use to another worker. */
export interface TokenStore {
  /** undefined = nobody has signed in with these credentials. */
  read(): Promise<SharedToken | undefined>;
  /**
   * Lets this caller alone sign in, for `leaseMs` milliseconds.
   *
   * @param generation of the token that is to be replaced; undefined = there was none
   * @returns false when another worker signs in now, or has replaced it
   */
  claim(generation: string | undefined, leaseMs: number): Promise<boolean>;
  /** Stores the token of whoever has the claim. */
  store(generation: string | undefined, token: Token): Promise<SharedToken>;
  /** Gives a claim back that led to no token. */
  release(generation: string | undefined): Promise<void>;
}

export interface TakenToken {
  access: string;
  /** The value of the header `Authorization`. */
  authorization: string;
}

/** What the HTTP client needs of tokens. */
export interface Tokens {
  /** Equal for equal credentials, whatever the token is; reveals nothing. */
  identity: string;
  /** @throws ConnectorError when nobody can sign in; it never says that a write may have been carried out */
  take(): Promise<TakenToken>;
  /** The other side has taken this token. */
  accepted(access: string): void;
  /**
   * The other side has refused this token: the next call signs in again.
   *
   * @returns whether the credentials are no good: this process signed in twice, and neither token was ever accepted. One alone may
   *   be refused by a server that does not know it yet, or be ended by somebody else who signed in with the same credentials
   */
  ended(access: string): boolean;
}

export interface TokensOptions {
  identity: string;
  /** The word before the token in the header `Authorization`; absent = Bearer. */
  scheme?: string;
  secrets: Secrets;
  /** Absent = the token is of this process alone. */
  store?: TokenStore | undefined;
  /** The longest time that signing in takes, in milliseconds. */
  timeoutMs: number;
  /**
   * Signs in.
   *
   * @param refresh the refresh token; undefined = there is none, or it was refused
   */
  signIn: (refresh: string | undefined) => Promise<Token>;
}

/** So many refused tokens are known by this process. */
const keptRefused = 20;

export function createTokens(options: TokensOptions): Tokens {
  const { identity, scheme = 'Bearer', secrets, store = inMemory(), timeoutMs, signIn } = options;
  let held: SharedToken | undefined;
  /** The token for which this process signed in last, until it is accepted or refused. */
  let untried: string | undefined;
  let refusedUntried = 0;
  let refused: string[] = [];
  let renewing: Promise<SharedToken> | undefined;
  const isGood = ({ token: { access, renewAt } }: SharedToken) => renewAt > Date.now() && !refused.includes(access);

  async function renew(): Promise<SharedToken> {
    const giveUpAt = Date.now() + 2 * timeoutMs;
    for (;;) {
      const shared = await store.read();
      if (shared) hide(shared.token);
      if (shared && isGood(shared)) return shared;
      if (await store.claim(shared?.generation, timeoutMs + 1_000)) {
        try {
          const token = await signInAnew(shared?.token.refresh);
          hide(token);
          untried = token.access;
          return await store.store(shared?.generation, token);
        } catch (error) {
          await store.release(shared?.generation);
          throw error;
        }
      }
      if (Date.now() > giveUpAt) {
        const detail = 'Another worker signs in, and has not ended.';
        throw new ConnectorError({ kind: 'transient', code: 'timeout', detail });
      }
      await delay(100);
    }
  }

  async function signInAnew(refresh: string | undefined): Promise<Token> {
    if (refresh === undefined) return signIn(undefined);
    try {
      return await signIn(refresh);
    } catch (error) {
      // The refresh token may have been used, or have ended: the credentials themselves may be good still.
      if (error instanceof ConnectorError && error.code === 'bad_credentials') return signIn(undefined);
      throw error;
    }
  }

  function hide({ access, refresh }: Token): void {
    secrets.add(access);
    if (refresh !== undefined) secrets.add(refresh);
  }

  return {
    identity,
    async take() {
      if (!held || !isGood(held)) {
        // Signing in is shared by all calls, so it belongs to no step, and no caller's signal ends it.
        renewing ??= asNobody(renew).finally(() => (renewing = undefined));
        held = await renewing.catch((error: unknown) => {
          throw beforeAnything(error);
        });
      }
      const { access } = held.token;
      return { access, authorization: `${scheme} ${access}` };
    },
    accepted(access) {
      if (access === untried) untried = undefined;
      refusedUntried = 0;
    },
    ended(access) {
      refused = [...refused, access].slice(-keptRefused);
      if (access === untried) {
        untried = undefined;
        refusedUntried++;
      }
      return refusedUntried > 1;
    },
  };
}

/** Signing in writes nothing of ours: whatever became of it, the write for which the token was wanted was not sent. */
function beforeAnything(error: unknown): unknown {
  if (!(error instanceof ConnectorError) || !error.mayHaveActed) return error;
  const { kind, code, detail, retryAfterMs, status, requestId, route } = error;
  return new ConnectorError({ kind, code, detail, retryAfterMs, status, requestId, route, cause: error });
}

function inMemory(): TokenStore {
  let kept: SharedToken | undefined;
  let generations = 0;
  return {
    read: async () => kept,
    claim: async () => true,
    store: async (_generation, token) => (kept = { token, generation: String(++generations) }),
    release: async () => undefined,
  };
}

/** The answer of a token endpoint (RFC 6749 §5.1); some give the lifetime as a text, or none. */
const answerSchema = z.looseObject({
  access_token: z.string().min(1),
  expires_in: z.coerce.number().positive().optional(),
  refresh_token: z.string().min(1).optional(),
});

/** A token without a lifetime is asked for anew after this time, in milliseconds. */
const usualLifeMs = 3_600_000;

/**
 * Signs in with a form, as OAuth 2 does.
 *
 * @param http calls the endpoint, without a token
 * @param at where the endpoint is
 * @param fields of the form: `grant_type`, and what belongs to it
 * @throws ConnectorError `bad_credentials` when the endpoint refuses them, with 400, 401 or 403
 */
export async function signInWithForm(
  http: HttpClient,
  at: { path: string; route: string; query?: Record<string, string> },
  fields: Readonly<Record<string, string>>,
): Promise<Token> {
  const startedAt = Date.now();
  try {
    const { data } = await http.request({ method: 'POST', ...at, form: fields, schema: answerSchema });
    const lifeMs = data.expires_in === undefined ? usualLifeMs : data.expires_in * 1000;
    return {
      access: data.access_token,
      renewAt: startedAt + lifeMs - Math.min(60_000, lifeMs / 3),
      ...(data.refresh_token === undefined ? {} : { refresh: data.refresh_token }),
    };
  } catch (error) {
    const isRefusal = error instanceof ConnectorError && [400, 401, 403].includes(error.status ?? 0) && !error.page;
    throw isRefusal && error.kind === 'permanent' ? error.explained({ code: 'bad_credentials' }) : error;
  }
}
