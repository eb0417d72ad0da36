/** Every interval and gap of the step machinery, in milliseconds; short in tests and in the walkthrough. */
export interface ProcessTiming {
  /** A blocked step is tried at most once in this time, however many wakes arrive. */
  blockedGapMs: number;
  /** An `unreachable` step tries again by itself after this time (or after Retry-After, if later). */
  unreachableRetryMs: number;
  /** How long a transient failure is retried inside an activity before the step is `unreachable`. */
  transientLimitMs: number;
  /** A step that has failed for this long while it is retried is shown as `retrying`. */
  retryingShownMs: number;
  firstRetryMs: number;
  maxRetryMs: number;
  /** An activity without a heartbeat for this long counts as dead and runs again elsewhere. */
  heartbeatMs: number;
  /** The longest that one attempt of an activity may take. */
  attemptMs: number;
}

export const defaultTiming: ProcessTiming = {
  blockedGapMs: 5_000,
  unreachableRetryMs: 15 * 60_000,
  transientLimitMs: 30 * 60_000,
  retryingShownMs: 5 * 60_000,
  firstRetryMs: 1_000,
  maxRetryMs: 60_000,
  heartbeatMs: 30_000,
  attemptMs: 6 * 60 * 60_000,
};
