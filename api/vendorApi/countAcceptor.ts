import DataLoader from 'dataloader';
import type { Database } from '../../db/client.ts';
import { acceptCounts, type AcceptedCount, type PostedCount, type PresentedKeys } from '../../db/queries/push.ts';

/** Counts at most that are written together. */
const maxCounts = 200;

/** @returns undefined when the keys open nothing; then nothing is kept */
export type CountAcceptor = (keys: PresentedKeys, count: PostedCount) => Promise<AcceptedCount | undefined>;

/**
 * Accepts counts one by one, and writes together what one caller posts while his last ones are being written: twenty in a
 * statement cost little more than one. Each is answered only once its statement has committed.
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
