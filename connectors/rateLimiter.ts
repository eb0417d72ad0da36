/** Keeps the calls to one connection within its limits, however many workers there are. */
export interface RateLimiter {
  /**
   * Waits until the next call may start.
   *
   * @param route of the call, which may have a rate of its own
   * @throws ConnectorError `throttled` when the other side asked for a pause that is too long to wait for here
   */
  take(route: string, signal?: AbortSignal): Promise<void>;
  /**
   * Waits until fewer calls are under way than the other side bears at once; absent = it bears any number.
   *
   * @returns what is called when the call is over; it never fails
   */
  enter?: (signal?: AbortSignal) => Promise<() => Promise<void>>;
  /** Called after a 429: no worker calls the other side for `pauseMs` milliseconds. @param why its answer, for a person */
  throttled(pauseMs: number, why: string): Promise<void>;
}

/** The longest pause, in milliseconds, that an activity waits for. For a longer one its step is paused, and a Temporal timer waits. */
export const maxWaitMs = 5_000;

/** No limit, for tests and for calls before a connection is stored. */
export const unlimited: RateLimiter = {
  take: async () => undefined,
  throttled: async () => undefined,
};
