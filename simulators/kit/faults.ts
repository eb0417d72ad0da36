/** What can be made to go wrong, from outside, on any simulator. */
export interface Fault {
  id: number;
  /**
   * `latency` waits; `status` answers without doing anything; `afterCommit` does the work, then answers, drops or hangs;
   * `drop` cuts the connection before anything; `hang` never answers; `truncate` leaves rows out of a list;
   * `cut` sends half a body; `malformed` sends what fits no schema; `encoded` sends the true answer in other bytes;
   * `window` answers 429 to more than `calls` in `ms` (a fixed window).
   * An answer that is no answer is a `status` (nothing done) or an `afterCommit` (done) with `text` and `headers`:
   * a maintenance page is status 200 with HTML, an empty body is the text '', a challenge is 403 with `cf-mitigated`.
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
    | 'window';
  method?: string;
  /** Regular expression on the path. */
  path?: string;
  /** Matching requests let through first. */
  skip?: number;
  /** How often; null = until removed. */
  times?: number | null;
  ms?: number;
  status?: number;
  /** With window: how many are answered; whether a 429 says when the next one begins. */
  calls?: number;
  tells?: boolean;
  retryAfter?: number;
  body?: unknown;
  /** Sent as it is instead of `body`, as HTML unless `headers` say otherwise. */
  text?: string;
  headers?: Record<string, string>;
  /** With encoded: a Latin text in ISO-8859-1 instead of UTF-8; a byte order mark before it; whether the header says so. */
  charset?: 'iso-8859-1' | 'utf-8';
  bom?: boolean;
  declared?: boolean;
  /** With afterCommit: what happens instead of an answer. */
  then?: 'drop' | 'hang';
}

export class Faults {
  private list: Fault[] = [];
  /** Of each limiter the window that is open: when it began, and how many calls came. */
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

  /** Counts a call in a fixed window. @returns milliseconds until the next window, if this one has no place left */
  overLimit({ id, calls = 1, ms = 1_000 }: Fault): number | undefined {
    const now = Date.now();
    const last = this.windows.get(id);
    const window = last && now < last.from + ms ? last : { from: now, calls: 0 };
    this.windows.set(id, { ...window, calls: window.calls + 1 });
    return window.calls >= calls ? window.from + ms - now : undefined;
  }

  /** Every fault this request meets, used up as it is met. */
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
