/** Times around a write that is sent once (invariants 5 and 6), in milliseconds. */
import type { Environment } from '../environment.ts';

export function writeTiming(environment: Environment) {
  /** A write may begin this long after its claim, no later. */
  const writeWindowMs = environment.CALL_TIMEOUT_MS;
  return {
    writeWindowMs,
    /** How long after its claim a write's fate may still be open: window, read before, write, and the PSA's lag. */
    settleAfterMs: writeWindowMs + 2 * environment.CALL_TIMEOUT_MS + environment.PSA_SEARCH_LAG_MS,
  };
}
