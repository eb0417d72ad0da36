/** Calls to one connection stay within its rate, whatever number of workers (design.md "Budgets"). */
export interface RateLimiter {
  /**
   * Waits until the next call may start.
   *
   * @throws ConnectorError `throttled` when the other side asked for a pause that is too long to wait for here
   */
  take(signal?: AbortSignal): Promise<void>;
  /** The other side answered 429: nobody calls it for so many milliseconds. @param why what it answered, for a person */
  throttled(pauseMs: number, why: string): Promise<void>;
}

/** A longer pause is not waited for in an activity: its step says so, and a timer of Temporal's waits. In milliseconds. */
export const maxWaitMs = 5_000;

/** No limit: tests, and calls before a connection is stored. */
export const unlimited: RateLimiter = {
  take: async () => undefined,
  throttled: async () => undefined,
};
