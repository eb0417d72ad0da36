/** Claims of writes that are sent once, and the times around them (invariants 5 and 6), in milliseconds. */
import type { Claim } from '../connectors/psa.ts';
import type { Environment } from '../environment.ts';

export function writeTiming(environment: Environment) {
  /** A write may be sent this long after its claim, or after what it rests on began to be read, no later. */
  const writeWindowMs = environment.CALL_TIMEOUT_MS;
  return {
    /**
     * @param claimRow answers undefined when somebody else has it
     * @param startedAt epoch milliseconds from which the write's window counts; absent = from its claim
     * @returns `claim` for the adapter, and what came of it: `claimed`, or `lost` to somebody else, or neither
     */
    claimWith: <Row>(claimRow: () => Promise<Row | undefined>, startedAt?: number) => {
      const claiming: { claim: Claim; claimed?: Row | undefined; lost: boolean } = {
        lost: false,
        claim: async () => {
          const sendBefore = (startedAt ?? Date.now()) + writeWindowMs;
          // Too late already: there is nothing to claim.
          if (Date.now() >= sendBefore) return sendBefore;
          claiming.claimed = await claimRow();
          claiming.lost = claiming.claimed === undefined;
          return claiming.lost ? 0 : sendBefore;
        },
      };
      return claiming;
    },
    /** How long after its claim a write's fate may still be open: window, read before, write, and the PSA's lag. */
    settleAfterMs: writeWindowMs + 2 * environment.CALL_TIMEOUT_MS + environment.PSA_SEARCH_LAG_MS,
  };
}
