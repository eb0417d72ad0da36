import DataLoader from 'dataloader';
import type { Database } from '../../db/client.ts';
import { acceptCounts, type AcceptedCount } from '../../commands/acceptCounts.ts';
import type { PostedCount, PresentedKeys } from '../../db/queries/push.ts';

/** The most counts that are written by one statement. */
const maxCounts = 200;

/** @returns undefined when the keys are not valid; then nothing is stored */
export type CountAcceptor = (keys: PresentedKeys, count: PostedCount) => Promise<AcceptedCount | undefined>;

/**
 * Accepts counts one by one, and writes those together that a caller posts while its previous ones are being written: twenty
 * in one statement cost little more than one. Each count is answered only after its statement has committed.
 */
export function createCountAcceptor(db: Database): CountAcceptor {
  const callers = new Map<string, { open: number; loader: DataLoader<PostedCount, AcceptedCount | undefined> }>();

  function callerOf(name: string, keys: PresentedKeys) {
    const known = callers.get(name);
    if (known) return known;
    let written: Promise<unknown> = Promise.resolve();
    const write = async (counts: readonly PostedCount[]) =>
      (await acceptCounts(db, keys, counts)) ?? counts.map(() => undefined);
    const loader = new DataLoader<PostedCount, AcceptedCount | undefined>(
      (counts) => {
        const writing = write(counts);
        written = writing.catch(() => undefined);
        return writing;
      },
      { cache: false, maxBatchSize: maxCounts, batchScheduleFn: (dispatch) => void written.then(dispatch) },
    );
    const made = { open: 0, loader };
    callers.set(name, made);
    return made;
  }

  return async (keys, count) => {
    const name = [keys.keyHash, ...keys.vendors].join();
    const caller = callerOf(name, keys);
    caller.open++;
    try {
      return await caller.loader.load(count);
    } finally {
      if (--caller.open === 0) callers.delete(name);
    }
  };
}
