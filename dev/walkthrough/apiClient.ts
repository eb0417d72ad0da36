/** A client of the API, as a customer's program would have one. */
export interface ApiAnswer<T> {
  status: number;
  headers: Headers;
  body: T;
}

export interface ApiClient {
  url: string;
  call<T>(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiAnswer<T>>;
  /** Returns the body of a good answer. @throws Error with the problem for any other answer */
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body?: unknown): Promise<T>;
  put<T>(path: string, body: unknown): Promise<T>;
  /**
   * Reads a vendor account or a service, and changes the decision about the version that was read:
   * `decide('PUT', account, 'mapping', …)`.
   */
  decide<T>(method: 'PUT' | 'DELETE', thing: string, what: string, body?: unknown): Promise<T>;
  /** Reads all pages of a list. */
  all<T>(path: string): Promise<T[]>;
}

export function createApiClient(url: string, token: string): ApiClient {
  async function call<T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<ApiAnswer<T>> {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
    // A file, such as CSV, is returned as text.
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    const answer: unknown = isJson ? await response.json() : await response.text();
    return { status: response.status, headers: response.headers, body: answer as T };
  }

  async function good<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await call<T>(method, path, body);
    if (answer.status >= 300)
      throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  return {
    url,
    call,
    get: (path) => good('GET', path),
    post: (path, body) => good('POST', path, body),
    put: (path, body) => good('PUT', path, body),
    async decide(method, thing, what, body) {
      const { version } = await good<{ version: string }>('GET', thing);
      return good(method, `${thing}/${what}?seen=${version}`, body);
    },
    async all<T>(path: string) {
      const rows: T[] = [];
      let cursor: string | null = null;
      do {
        const query: string = `${path.includes('?') ? '&' : '?'}limit=200${cursor ? `&cursor=${cursor}` : ''}`;
        const page: { items: T[]; nextCursor: string | null } = await good('GET', `${path}${query}`);
        rows.push(...page.items);
        cursor = page.nextCursor;
      } while (cursor);
      return rows;
    },
  };
}
