/**
 * The error that connectors throw. It is typed once, at the connector's edge; no other code matches on message text.
 *
 * `code` is ours and safe to keep in a workflow's history. `detail` may quote the outside system: it goes to
 * PostgreSQL and to the person, never into history (invariant 7).
 */
export type ConnectorErrorKind = 'transient' | 'throttled' | 'permanent';

export type ConnectorErrorCode =
  | 'bad_credentials' // 401: key or password refused
  | 'token_ended' // 401 to a token that had been good: the next call signs in again
  | 'forbidden' // 403: valid key, missing right
  | 'virtual_administrator' // 403: the reseller buys through Virtual Administrator (G02)
  | 'not_found' // 404: unknown id (or, on ConnectWise cloud, a wrong key or base URL)
  | 'invalid_request' // 400, 422: the other side refused what we sent
  | 'bad_shape' // an answer that does not fit the schema: names endpoint and field
  | 'not_json' // a maintenance, challenge or login page, or nothing, where data was asked for
  | 'locked' // 409, 423, 425: the record is in use by somebody; nothing was done
  | 'too_large' // an answer past the size limit
  | 'redirected' // a redirect, which is not followed with credentials
  | 'bad_host' // the host name does not exist or is not ours to call
  | 'incomplete' // a listing that did not arrive whole
  | 'too_late' // the time in which a claimed write may begin had passed
  | 'throttled' // 429
  | 'upstream' // 5xx
  | 'timeout'
  | 'network';

/**
 * A way in which a server's lists always contradict themselves, so that reading again does not help. The codes are ours and
 * safe to keep. `counts_other_pages`: the number of pages, or the promise of a next one, does not agree with the pages.
 */
export type Contradiction = 'ignores_page' | 'counts_one_more' | 'counts_too_few' | 'counts_other_pages';

export class ConnectorError extends Error {
  override readonly name = 'ConnectorError';
  readonly kind: ConnectorErrorKind;
  readonly code: ConnectorErrorCode;
  /** What happened, in words for a person; may quote the outside system, secrets redacted. */
  readonly detail: string;
  /** Milliseconds the other side asked us to wait (`Retry-After`), if it did. */
  readonly retryAfterMs: number | undefined;
  /** HTTP status, if an answer arrived at all. */
  readonly status: number | undefined;
  /** False when it is certain that the request did not arrive or was refused; then a write may be tried again. */
  readonly mayHaveActed: boolean;
  /** The other side's request id (`x-cw-request-id` or the like), for its support desk. */
  readonly requestId: string | undefined;
  /** The path that was called, with names in place of ids (`/customers/{id}`); undefined where no one call failed. */
  readonly route: string | undefined;
  /** True when the answer was a page for people: whatever its status, it is not the API's own answer. */
  readonly page: boolean;
  /** With `incomplete`: the list contradicts itself because of how the server works, not by chance in this reading. */
  readonly contradiction: Contradiction | undefined;

  /** Set when the call that failed has its line in the log, so that nobody writes another. */
  isLogged = false;

  constructor(init: {
    kind: ConnectorErrorKind;
    code: ConnectorErrorCode;
    detail: string;
    retryAfterMs?: number | undefined;
    status?: number | undefined;
    requestId?: string | undefined;
    route?: string | undefined;
    mayHaveActed?: boolean;
    page?: boolean;
    contradiction?: Contradiction | undefined;
    cause?: unknown;
  }) {
    super(`${init.code}: ${init.detail}`, { cause: init.cause });
    this.kind = init.kind;
    this.code = init.code;
    this.detail = init.detail;
    this.retryAfterMs = init.retryAfterMs;
    this.status = init.status;
    this.requestId = init.requestId;
    this.route = init.route;
    this.mayHaveActed = init.mayHaveActed ?? false;
    this.page = init.page ?? false;
    this.contradiction = init.contradiction;
  }

  /** Whether the error concerns only the thing that was asked for, and not the connection: others may still be read. */
  get concernsOneThing(): boolean {
    const { kind, code } = this;
    return (
      kind === 'permanent' && ['forbidden', 'not_found', 'invalid_request', 'bad_shape', 'too_large'].includes(code)
    );
  }

  /** A copy of this error with a better explanation, by a caller who knows what was wanted. */
  explained(change: {
    kind?: ConnectorErrorKind;
    code?: ConnectorErrorCode;
    detail?: string;
    route?: string;
  }): ConnectorError {
    const { kind, code, detail, retryAfterMs, status, requestId, route, mayHaveActed, page, contradiction } = this;
    const call = { retryAfterMs, status, requestId, route, mayHaveActed, page };
    const same = { kind, code, detail, ...call, contradiction, cause: this };
    const error = new ConnectorError({ ...same, ...change });
    error.isLogged = this.isLogged;
    return error;
  }
}
