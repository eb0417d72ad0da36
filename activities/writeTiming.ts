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
     * Sends a write once: `send` claims it right before it is sent.
     *
     * @param claimRow answers undefined when another caller has the claim
     * @param startedAt epoch milliseconds from which the write's window counts; absent = from its claim
     * @returns what came of the write, and of its claim: `claimed`, or `lost` to another caller, or neither
     * @throws the claim's own failure, whatever the adapter made of it: nothing was sent
     */
    writeOnce: async <Row, Result>(
      claimRow: () => Promise<Row | undefined>,
      send: (claim: Claim) => Promise<Result>,
      startedAt?: number,
    ): Promise<{ result: Result; claimed: Row | undefined; lost: boolean }> => {
      const claiming: { claimed?: Row | undefined; lost: boolean; failure?: unknown } = { lost: false };
      const claim: Claim = async () => {
        const sendBefore = (startedAt ?? Date.now()) + writeWindowMs;
        // The window is over already: the write would come too late, so nothing is claimed.
        if (Date.now() >= sendBefore) return sendBefore;
        try {
          claiming.claimed = await claimRow();
        } catch (error) {
          claiming.failure = error;
          throw error;
        }
        claiming.lost = claiming.claimed === undefined;
        return claiming.lost ? 0 : sendBefore;
      };
      const result = await send(claim);
      if (claiming.failure !== undefined) throw claiming.failure;
      return { result, claimed: claiming.claimed, lost: claiming.lost };
    },
    /**
     * How long after its claim a write's outcome may still be open: the window, the read before it, the write, and the
     * PSA's lag.
     */
    settleAfterMs: writeWindowMs + 2 * environment.CALL_TIMEOUT_MS + environment.PSA_SEARCH_LAG_MS,
  };
}
