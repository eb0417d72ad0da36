/** Claims of writes that are sent only once, and the times around them (invariants 5 and 6), in milliseconds. */
import type { Claim } from '../connectors/psa.ts';
import type { Environment } from '../environment.ts';

export function writeTiming(environment: Environment) {
  /**
   * The longest time between a write's claim, or the start of the read on which the write is based, and its sending.
   */
  const writeWindowMs = environment.CALL_TIMEOUT_MS;
  return {
    /**
     * @param claimRow answers undefined when another caller has the claim
     * @param startedAt epoch milliseconds from which the write's window counts; absent = from its claim
     * @returns `claim` for the adapter, and the claim's outcome: `claimed`, or `lost` to another caller, or neither
     */
    claimWith: <Row>(claimRow: () => Promise<Row | undefined>, startedAt?: number) => {
      const claiming: { claim: Claim; claimed?: Row | undefined; lost: boolean } = {
        lost: false,
        claim: async () => {
          const sendBefore = (startedAt ?? Date.now()) + writeWindowMs;
          // The window is over already: the write would come too late, so nothing is claimed.
          if (Date.now() >= sendBefore) return sendBefore;
          claiming.claimed = await claimRow();
          claiming.lost = claiming.claimed === undefined;
          return claiming.lost ? 0 : sendBefore;
        },
      };
      return claiming;
    },
    /**
     * How long after its claim a write's outcome may still be open: the window, the read before it, the write, and the
     * PSA's lag.
     */
    settleAfterMs: writeWindowMs + 2 * environment.CALL_TIMEOUT_MS + environment.PSA_SEARCH_LAG_MS,
  };
}
