/** The counts that the vendor program of `bench push` posts. */
import { createRandom } from '../simulators/random.ts';
import type { Posted } from './callers.ts';

export interface Pair {
  accountId: string;
  serviceId: string;
}
export interface Count extends Pair {
  unitCount: number;
}

/** The Vendor API's request for a count. */
export function requestOf({ serviceId, accountId, unitCount }: Count): Posted {
  return { path: `/service/${encodeURIComponent(serviceId)}/count`, body: { accountId, unitCount } };
}

/**
 * Makes counts in a random order that is the same for the same seed. Caller n of m posts every m-th count from the n-th on,
 * and every pair belongs to one caller, so that it is known which number of a pair was posted last.
 *
 * @param callers how many callers post at once
 */
export function makeCounts(pairs: readonly Pair[], total: number, callers: number, seed: number): Count[] {
  const random = createRandom(seed);
  const pairsEach = Math.floor(pairs.length / callers);
  return Array.from({ length: total }, (_, at) => {
    const pair = pairs[(at % callers) + callers * random.below(pairsEach)];
    if (!pair) throw new Error('There are fewer pairs than callers.');
    return { ...pair, unitCount: 1 + random.below(200) };
  });
}
