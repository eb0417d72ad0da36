/** When the sweep is late: it wakes what nobody woke, so that without it a lost wake stays lost. */

/** How often the Schedule looks whether the sweep is there, in milliseconds. */
export const sweepScheduleMs = 300_000;

/**
 * @param ageSeconds seconds since the last sweep; null = none yet, which is not late: a new installation begins so
 * @param intervalMs milliseconds between two sweeps
 * @returns what is wrong and what to do; undefined = nothing. One that was terminated has two actions of its Schedule, and five
 *   sweeps, to be back.
 */
export function sweepLate(ageSeconds: number | null, intervalMs: number): string | undefined {
  if (ageSeconds === null || ageSeconds * 1000 <= 2 * sweepScheduleMs + 5 * intervalMs) return undefined;
  return `Nothing was swept for ${Math.round(ageSeconds / 60)} minutes, so what nobody woke stays asleep. Is a worker running? If it is, terminate the workflow that begins with "sweep": its Schedule starts it again.`;
}
