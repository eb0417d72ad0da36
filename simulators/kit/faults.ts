/** A fault that a test can inject into any simulator from outside. */
export interface Fault {
  id: number;
  /**
   * `latency` waits; `status` answers without doing anything; `afterCommit` does the work, then answers, drops or hangs;
   * `drop` cuts the connection before anything; `hang` never answers; `truncate` leaves rows out of a list;
   * `cut` sends half a body; `malformed` sends what fits no schema; `encoded` sends the true answer in another encoding;
   * `headers` sends the true answer with other headers (null = without one), such as an `X-Pagination` that is lost or names no
   * total, or a `Retry-After` where none belongs;
   * `window` answers 429 to more than `calls` calls in `ms` (a fixed window).
   * A page instead of an answer is a `status` (nothing was done) or an `afterCommit` (the work was done) with `text` and
   * `headers`: a maintenance page is status 200 with HTML, an empty body the text '', a challenge 403 with `cf-mitigated`.
   */
  kind:
    | 'latency'
    | 'status'
    | 'afterCommit'
    | 'drop'
    | 'hang'
    | 'truncate'
    | 'cut'
    | 'malformed'
    | 'encoded'
    | 'headers'
    | 'window';
  method?: string;
  /** A regular expression that the path must match. */
  path?: string;
  /** How many matching requests are let through first. */
  skip?: number;
  /** How many requests meet the fault; null = all until it is removed. */
  times?: number | null;
  ms?: number;
  status?: number;
  /** With window: how many calls are answered, and whether a 429 says (`Retry-After`) when the next window begins. */
  calls?: number;
  tells?: boolean;
  retryAfter?: number;
  body?: unknown;
  /** Sent unchanged instead of `body`, as HTML unless `headers` say otherwise. */
  text?: string;
  headers?: Record<string, string | null>;
  /** With encoded: the encoding, whether a byte order mark comes first, and whether the header declares the encoding. */
  charset?: 'iso-8859-1' | 'utf-8';
  bom?: boolean;
  declared?: boolean;
  /** With afterCommit: what happens instead of an answer. */
  then?: 'drop' | 'hang';
}

export class Faults {
  private list: Fault[] = [];
  /** The open window of each `window` fault: when it began, and how many calls came in it. */
  private readonly windows = new Map<number, { from: number; calls: number }>();
  private nextId = 1;

  add(fault: Omit<Fault, 'id'>): Fault {
    const added = { times: 1, skip: 0, ...fault, id: this.nextId++ };
    this.list.push(added);
    return added;
  }

  remove(id?: number): void {
    this.list = id === undefined ? [] : this.list.filter((fault) => fault.id !== id);
  }

  all(): readonly Fault[] {
    return this.list;
  }

  /** Counts a call in a fixed window. @returns milliseconds until the next window, if this one is full */
  overLimit({ id, calls = 1, ms = 1_000 }: Fault): number | undefined {
    const now = Date.now();
    const last = this.windows.get(id);
    const window = last && now < last.from + ms ? last : { from: now, calls: 0 };
    this.windows.set(id, { ...window, calls: window.calls + 1 });
    return window.calls >= calls ? window.from + ms - now : undefined;
  }

  /** Finds the faults that a request meets, and counts them as used once more. */
  meet(method: string, path: string): Fault[] {
    const met: Fault[] = [];
    for (const fault of this.list) {
      if (fault.method !== undefined && fault.method !== method) continue;
      if (fault.path !== undefined && !new RegExp(fault.path).test(path)) continue;
      if ((fault.skip ?? 0) > 0) {
        fault.skip = (fault.skip ?? 0) - 1;
        continue;
      }
      if (fault.times === 0) continue;
      if (typeof fault.times === 'number') fault.times--;
      met.push(fault);
    }
    this.list = this.list.filter((fault) => fault.times !== 0);
    return met;
  }
}
