/** Claims of writes that are sent only once, and the times around them (invariants 5 and 6), in milliseconds. */
import type { Claim, FailedWrite } from '../connectors/psa.ts';
import type { Environment } from '../environment.ts';

type Uncertain = Extract<FailedWrite, { outcome: 'uncertain' }>;

export function writeTiming(environment: Pick<Environment, 'CALL_TIMEOUT_MS'>) {
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
     * @throws whatever `send` threw before the claim (PostgreSQL was away): nothing was sent
     */
    writeOnce: async <Row, Result extends { outcome: string }>(
      claimRow: () => Promise<Row | undefined>,
      send: (claim: Claim) => Promise<Result>,
      startedAt?: number,
    ): Promise<{ result: Result | Uncertain; claimed: Row | undefined; lost: boolean }> => {
      const claiming: { claimed?: Row | undefined; lost: boolean } = { lost: false };
      const claim: Claim = async () => {
        const sendBefore = (startedAt ?? Date.now()) + writeWindowMs;
        // The window is over already: the write would come too late, so nothing is claimed.
        if (Date.now() >= sendBefore) return sendBefore;
        claiming.claimed = await claimRow();
        claiming.lost = claiming.claimed === undefined;
        return claiming.lost ? 0 : sendBefore;
      };
      const result = await send(claim).catch((error: unknown): Uncertain => {
        if (claiming.claimed === undefined) throw error;
        return { outcome: 'uncertain', detail: 'The write was cut off.' };
      });
      // Nobody would ever look for a write that has no claim.
      if (result.outcome === 'uncertain' && claiming.claimed === undefined && !claiming.lost)
        throw new Error('A write was called uncertain before it was claimed.');
      return { result, claimed: claiming.claimed, lost: claiming.lost };
    },
    /**
     * How long after its claim a write's outcome may still be open: the window, the read before it, the write, and the
     * PSA's lag.
     */
    settleAfter: (searchLagMs: number) => writeWindowMs + 2 * environment.CALL_TIMEOUT_MS + searchLagMs,
  };
}
