/** Calls to one connection stay within its rate, whatever number of workers (design.md "Budgets"). */
export interface Budget {
  /** Waits until the next call may start. */
  take(signal?: AbortSignal): Promise<void>;
  /** The other side answered 429: nobody calls it for so many milliseconds. */
  throttled(retryAfterMs: number): Promise<void>;
}

/** No limit: tests, and calls before a connection is stored. */
export const unlimited: Budget = {
  take: async () => undefined,
  throttled: async () => undefined,
};
