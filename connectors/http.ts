/**
 * The one HTTP client of all connectors. It sends each request once: Temporal retries, this does not.
 * Credentials never follow a redirect, and nothing secret reaches a log or an error.
 */
import { createHash } from 'node:crypto';
import { Agent, fetch, type Response } from 'undici';
import type { z } from 'zod';
import { latin, textOf } from '../domain/charset.ts';
import { dataIn, isPage, messageIn } from './responseBody.ts';
import type { RateLimiter } from './rateLimiter.ts';
import { ConnectorError, type ConnectorErrorCode, type ConnectorErrorKind } from './errors.ts';
import { lookupPublic, privateAddress } from './publicHosts.ts';
import { readingStep, type Answered, type Reading } from './readingStep.ts';
import { createSecrets, type Secrets } from './secrets.ts';
import { cleanText } from './text.ts';
import { retryAfter } from './retryAfter.ts';
import type { TakenToken, Tokens } from './tokens.ts';

export interface HttpLogger {
  debug(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** An answer as a connector judges it. */
export interface ReceivedAnswer {
  /** The HTTP status: a success, too, as some systems put their errors into one. */
  status: number;
  text: string;
  headers: { get(name: string): string | null };
}

/** What an answer is instead of what its status says. `detail` is what the other side said, if the whole text is not it. */
export interface Classified {
  kind: ConnectorErrorKind;
  code: ConnectorErrorCode;
  detail?: string;
  /** Milliseconds that the other side asks to wait. */
  retryAfterMs?: number;
  /** True when a write may have been carried out all the same; absent = it was not. */
  mayHaveActed?: boolean;
}

export interface HttpClientOptions {
  /** Origin and path prefix, without a trailing slash. */
  baseUrl: string;
  headers: Record<string, string>;
  /** Texts that must never appear in logs or errors: keys, passwords, and the headers made from them. */
  secrets: readonly string[] | Secrets;
  /** Sends a token with each request (`Authorization`); absent = `headers` has all that is needed. */
  tokens?: Tokens | undefined;
  rateLimiter: RateLimiter;
  logger?: HttpLogger | undefined;
  /** Milliseconds from the start of the request to the last byte of the answer. */
  timeoutMs?: number;
  /** The largest answer that is read, in bytes. */
  maxBytes?: number;
  /** The header of the answer that holds the other side's request id. */
  requestIdHeader?: string;
  /** Reads what an answer means where its status does not tell; absent, or undefined = the status tells. */
  classify?: ((answer: ReceivedAnswer) => Classified | undefined) | undefined;
  /** Set when a customer typed the host: a name that leads into a private network is then not called. */
  publicOnly?: boolean;
}

export interface HttpRequest<T> {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** The path below the base URL with its ids filled in; starts with a slash. */
  path: string;
  /** The path with names in place of ids, for logs and errors: `/customers/{id}`. */
  route: string;
  query?: Record<string, string | number | undefined>;
  headers?: Record<string, string>;
  body?: unknown;
  /** Instead of `body`: the fields of a form (`application/x-www-form-urlencoded`). */
  form?: Readonly<Record<string, string>>;
  schema: z.ZodType<T>;
  signal?: AbortSignal | undefined;
  /**
   * Called right before the request is sent, after the rate limiter's permit (invariants 5, 6). Returns the epoch
   * milliseconds before which the request must be sent; 0 = it must not be sent.
   */
  sendBefore?: (() => number | Promise<number>) | undefined;
}

export interface HttpAnswer<T> {
  data: T;
  headers: { get(name: string): string | null };
}

export interface HttpClient {
  /** @throws ConnectorError, or the signal's reason when the caller has aborted */
  request<T>(request: HttpRequest<T>): Promise<HttpAnswer<T>>;
}

// Connections to a few hosts are kept alive. A connection that cannot be made fails well before the request's own limit.
const connecting = { timeout: 10_000 };
const agent = new Agent({ connect: connecting, connections: 64, pipelining: 1 });
const publicAgent = new Agent({ connect: { ...connecting, lookup: lookupPublic }, connections: 64, pipelining: 1 });

/** Node's error codes for requests that never left this machine. */
const neverSent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

export function createHttpClient(options: HttpClientOptions): HttpClient {
  const timeoutMs = options.timeoutMs ?? 30_000;
  const maxBytes = options.maxBytes ?? 20 * 1024 * 1024;
  const { redact } = 'redact' in options.secrets ? options.secrets : createSecrets(options.secrets);

  const quote = (text: string) => cleanText(redact(messageIn(text)).slice(0, 300));

  async function request<T>(wanted: HttpRequest<T>): Promise<HttpAnswer<T>> {
    try {
      const reading = wanted.method === 'GET' ? readingStep() : undefined;
      return await (reading ? askFor(reading, wanted) : again(wanted, () => send(wanted)));
    } catch (error) {
      if (error instanceof ConnectorError && options.logger) {
        error.isLogged = true;
        options.logger.warn(
          { code: error.code, status: error.status, requestId: error.requestId, route: wanted.route },
          'call failed',
        );
        throw error.explained({ route: wanted.route });
      }
      throw error;
    }
  }

  const send = async <T>(wanted: HttpRequest<T>) => read(wanted, await exchange(wanted, wanted.signal));

  /**
   * Asks once more with another token when the first one had ended: a 401 is certain that nothing was done. A claimed write is
   * not sent again, because its claim is for one sending: it is given back, and claimed anew.
   */
  async function again<R>(wanted: Pick<HttpRequest<unknown>, 'sendBefore'>, ask: () => Promise<R>): Promise<R> {
    try {
      return await ask();
    } catch (error) {
      const mayAskAgain = error instanceof ConnectorError && error.code === 'token_ended' && !wanted.sendBefore;
      if (mayAskAgain) return ask();
      throw error;
    }
  }

  /** Sends a request of a step that only reads, unless an earlier attempt of the step already got the answer. */
  async function askFor<T>({ step, part }: Reading, wanted: HttpRequest<T>): Promise<HttpAnswer<T>> {
    step.over.throwIfAborted();
    const question = step.ask(digestOf(wanted), part);
    const known = await question.known();
    if (known) return read(wanted, known);
    const signal = wanted.signal ? AbortSignal.any([wanted.signal, step.over]) : step.over;
    const asked = async () => {
      // A request that was sent is not aborted when its attempt ends: its answer is kept for the next attempt.
      const answered = await again(wanted, () => exchange({ ...wanted, signal }, step.cancelled));
      try {
        const answer = await read(wanted, answered);
        await question.keep(answered);
        return answer;
      } catch (error) {
        // "There is no such row" is an answer, too.
        if (error instanceof ConnectorError && error.code === 'not_found' && !error.page) await question.keep(answered);
        throw error;
      }
    };
    return step.untilOver(asked());
  }

  /** Equal for equal requests with equal credentials. It is a hash because it is stored, and must reveal nothing. */
  const digestOf = <T>(wanted: HttpRequest<T>) =>
    createHash('sha256')
      .update(
        JSON.stringify([
          urlOf(options.baseUrl, wanted),
          options.headers,
          wanted.headers ?? {},
          ...(options.tokens ? [options.tokens.identity] : []),
        ]),
      )
      .digest('base64url');

  /** @param cancelled aborts the request after it was sent; before that the request's own signal does */
  async function exchange<T>(wanted: HttpRequest<T>, cancelled: AbortSignal | undefined): Promise<Answered> {
    wanted.signal?.throwIfAborted();
    await options.rateLimiter.take(wanted.route, wanted.signal);
    const token = await options.tokens?.take();
    // Not before the token is there, because signing in is a call as well.
    const leave = await options.rateLimiter.enter?.(wanted.signal);
    try {
      return await sendOnce(wanted, cancelled, token);
    } finally {
      await leave?.();
    }
  }

  async function sendOnce<T>(
    wanted: HttpRequest<T>,
    cancelled: AbortSignal | undefined,
    token: TakenToken | undefined,
  ): Promise<Answered> {
    wanted.signal?.throwIfAborted();
    const sendBefore = await wanted.sendBefore?.();
    if (sendBefore !== undefined && Date.now() >= sendBefore) {
      const detail = 'The time to write had passed before the write began.';
      throw new ConnectorError({ kind: 'transient', code: 'too_late', detail });
    }
    const began = performance.now();
    const where = `${wanted.method} ${wanted.route}`;
    const limit = AbortSignal.timeout(timeoutMs);
    const signal = cancelled ? AbortSignal.any([limit, cancelled]) : limit;
    const log = (outcome: object) =>
      options.logger?.debug(
        { method: wanted.method, route: wanted.route, ms: Math.round(performance.now() - began), ...outcome },
        'call',
      );
    let response: Response | undefined;
    try {
      response = await fetch(urlOf(options.baseUrl, wanted), {
        method: wanted.method,
        headers: {
          accept: 'application/json',
          ...(wanted.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...options.headers,
          ...wanted.headers,
          ...(token ? { authorization: token.authorization } : {}),
        },
        // A form brings its own content type.
        body: wanted.form
          ? new URLSearchParams(wanted.form)
          : wanted.body === undefined
            ? null
            : JSON.stringify(wanted.body),
        redirect: 'manual',
        signal,
        dispatcher: options.publicOnly ? publicAgent : agent,
      });
      const bytes = await readBytes(response, maxBytes, where);
      log({ status: response.status, requestId: requestIdIn(response.headers) });
      if (options.tokens && token) judgeToken(options.tokens, token, response, where);
      return answeredBy(response, bytes);
    } catch (error) {
      if (error instanceof ConnectorError) throw error;
      if (cancelled?.aborted) throw cancelled.reason;
      log({ error: codeOf(error) });
      throw broken(error, where, limit.aborted, timeoutMs, response !== undefined);
    }
  }

  /** @throws ConnectorError when the token is refused, and another one may be accepted; otherwise it is refused like any credentials */
  function judgeToken(tokens: Tokens, { access }: TakenToken, { status, ok }: Response, where: string): void {
    if (ok) return tokens.accepted(access);
    if (status !== 401 || tokens.ended(access)) return;
    const detail = `${where} answered 401: the token had ended.`;
    throw new ConnectorError({ kind: 'transient', code: 'token_ended', detail, status });
  }

  const requestIdIn = (headers: Pick<Headers, 'get'>) =>
    headers.get(options.requestIdHeader ?? 'x-request-id') ?? undefined;

  /** @throws ConnectorError for a refusal, or for an answer that holds no data */
  async function read<T>(wanted: HttpRequest<T>, { status, headers: fields, text }: Answered): Promise<HttpAnswer<T>> {
    const headers = new Headers(fields);
    const requestId = requestIdIn(headers);
    const classified = options.classify?.({ status, text: text ?? '', headers });
    if (classified) throw await faultOf(wanted, { ...classified, status }, text ?? '', requestId);
    if (status < 200 || status >= 300) throw await refusal(wanted, { status, headers }, text ?? '', requestId);
    const where = `${wanted.method} ${wanted.route}`;
    return { data: dataIn(wanted.schema, text ?? undefined, { where, requestId, quote }), headers };
  }

  /** The error of an answer that the connector itself has judged. */
  async function faultOf<T>(
    wanted: HttpRequest<T>,
    { detail, status, ...judged }: Classified & { status: number },
    text: string,
    requestId: string | undefined,
  ) {
    const said = quote(detail ?? text);
    const where = `${wanted.method} ${wanted.route} answered ${status}`;
    const about = { ...judged, detail: said ? `${where}: ${said}` : where, status, requestId };
    if (judged.kind !== 'throttled') return new ConnectorError(about);
    const retryAfterMs = judged.retryAfterMs ?? pauseMs;
    await options.rateLimiter.throttled(retryAfterMs, about.detail);
    return new ConnectorError({ ...about, retryAfterMs });
  }

  async function refusal<T>(
    wanted: HttpRequest<T>,
    response: { status: number; headers: Headers },
    text: string,
    requestId: string | undefined,
  ) {
    const { status } = response;
    const message = quote(text);
    const retryAfterMs = retryAfter(response.headers.get('retry-after'));
    const where = `${wanted.method} ${wanted.route} answered ${status}`;
    const about = { detail: message ? `${where}: ${message}` : where, status, requestId };
    if (status >= 300 && status < 400) {
      return new ConnectorError({ kind: 'permanent', code: 'redirected', ...about, detail: `${where}, a redirect` });
    }
    if (status === 429) {
      await options.rateLimiter.throttled(retryAfterMs ?? pauseMs, about.detail);
      return new ConnectorError({
        kind: 'throttled',
        code: 'throttled',
        ...about,
        retryAfterMs: retryAfterMs ?? pauseMs,
      });
    }
    if (status >= 500 || status === 408) {
      return new ConnectorError({ kind: 'transient', code: 'upstream', ...about, retryAfterMs, mayHaveActed: true });
    }
    const page = isPage(text, response.headers.get('content-type'));
    if (response.headers.has('cf-mitigated') || (page && !statusDecides.has(status))) {
      const detail = `${where} with a page of a server in front of the API${message ? `: ${message}` : ''}`;
      return new ConnectorError({ kind: 'transient', code: 'not_json', ...about, detail, retryAfterMs, page });
    }
    if (lockedStatuses.has(status))
      return new ConnectorError({ kind: 'transient', code: 'locked', ...about, retryAfterMs });
    return new ConnectorError({ kind: 'permanent', code: permanentCodes[status] ?? 'invalid_request', ...about, page });
  }

  return { request };
}

/** Milliseconds of the pause after a 429 without `Retry-After` (the public SDK's own assumption, mailprotector.md §3.3). */
const pauseMs = 5_000;

const permanentCodes: Record<number, ConnectorErrorCode> = {
  401: 'bad_credentials',
  403: 'forbidden',
  404: 'not_found',
};

/**
 * Statuses that count even when a page came with them. 401: challenge pages never use it, and a web server in front of an
 * API (IIS before ConnectWise) refuses a wrong password with its own page. 404: usually the address is wrong; code that
 * concludes "this row is gone" must look at `page` first.
 */
const statusDecides = new Set([401, 404]);

/** The record is in use, or it is too early: nothing was done, and it passes (connectwise.md §3: 409 = record in use or conflict). */
const lockedStatuses = new Set([409, 423, 425]);

function urlOf<T>(baseUrl: string, wanted: HttpRequest<T>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(wanted.query ?? {}))
    if (value !== undefined) query.set(name, String(value));
  // URLSearchParams writes a space as `+`, which ConnectWise takes for a plus (connectwise.md §2.1).
  const text = query.toString().replaceAll('+', '%20');
  return `${baseUrl}${wanted.path}${text ? `?${text}` : ''}`;
}

/** Headers that nothing needs and that must not be kept for the next attempt. */
const forgotten = new Set(['set-cookie']);

function answeredBy({ status, ok, headers }: Response, bytes: Uint8Array): Answered {
  // A refusal's text is quoted to a person even if its encoding is wrong.
  const text = textOf(bytes, headers.get('content-type')) ?? (ok ? null : latin(bytes));
  return { status, headers: Object.fromEntries([...headers].filter(([name]) => !forgotten.has(name))), text };
}

async function readBytes(response: Response, maxBytes: number, where: string): Promise<Uint8Array> {
  if (!response.body) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > maxBytes) {
      throw new ConnectorError({
        kind: 'permanent',
        code: 'too_large',
        detail: `${where} sent more than ${maxBytes} bytes`,
        status: response.status,
        // The other side answered, so it may have carried out a write (invariant 5).
        mayHaveActed: true,
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function broken(
  error: unknown,
  where: string,
  timedOut: boolean,
  timeoutMs: number,
  answering: boolean,
): ConnectorError {
  const code = codeOf(error);
  const kind = 'transient' as const;
  if (timedOut) {
    return new ConnectorError({
      kind,
      code: 'timeout',
      detail: `${where} did not answer within ${timeoutMs} ms`,
      mayHaveActed: true,
      cause: error,
    });
  }
  if (code === privateAddress) {
    return new ConnectorError({
      kind: 'permanent',
      code: 'bad_host',
      detail: `${where}: the host name leads into a private network`,
      cause: error,
    });
  }
  if (code === 'ENOTFOUND') {
    // An unknown host name may be a short failure of the resolver, so it is retried before the step is blocked.
    return new ConnectorError({
      kind,
      code: 'bad_host',
      detail: `${where}: the host name does not exist`,
      cause: error,
    });
  }
  return new ConnectorError({
    kind,
    code: 'network',
    detail: `${where}: the connection failed (${code})`,
    mayHaveActed: answering || !neverSent.has(code),
    cause: error,
  });
}

function codeOf(error: unknown): string {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
  }
  return error instanceof Error ? error.name : 'unknown';
}
