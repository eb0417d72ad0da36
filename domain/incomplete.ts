/** Data read from an incomplete list that a person accepted knowingly: it may raise and add, never lower, zero or remove (invariant 3). */

/** Who accepted incomplete lists, and when (ISO time); valid for one round of one process. */
export interface Acceptance {
  by: string;
  at: string;
}

export interface IncompleteRead extends Acceptance {
  /** What was wrong with each list, in words; only the first `maxKept` of `count`. */
  lists: string[];
  count: number;
}

/** An incomplete read of a PSA, with the PSA accounts that its lists concern. */
export interface IncompletePsaRead extends IncompleteRead {
  /** null = any of them. */
  accounts: string[] | null;
}

/** Descriptions that are kept: a vendor may have thousands of lists with the same fault. */
const maxKept = 50;

/** @param before what the same read has noted so far */
export function addIncomplete(
  before: IncompleteRead | null,
  acceptance: Acceptance,
  lists: readonly string[],
): IncompleteRead | null {
  if (lists.length === 0) return before;
  const known = new Set(before?.lists);
  const fresh = [...new Set(lists)].filter((what) => !known.has(what));
  return {
    by: acceptance.by,
    at: acceptance.at,
    lists: [...(before?.lists ?? []), ...fresh].slice(0, maxKept),
    count: (before?.count ?? 0) + fresh.length,
  };
}

/** @param what the thing that was read, as the beginning of a sentence: "The usage" */
export function describeIncomplete(what: string, { by, at }: Acceptance): string {
  return `${what} was read from a list that was not whole, accepted by ${by} at ${at.slice(0, 16).replace('T', ' ')} UTC: it may raise and add, never lower.`;
}
