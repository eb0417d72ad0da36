/** What was read from a list that was not whole, because a person took it so knowingly: it may raise and add, never lower, zero or remove (invariant 3). */

/** Who took it, and when (ISO time): for one round of one process. */
export interface Acceptance {
  by: string;
  at: string;
}

export interface IncompleteRead extends Acceptance {
  /** What was wrong with each list, in words; the first ones of `count`. */
  lists: string[];
  count: number;
}

/** Of a PSA: which of its accounts the lists concern. */
export interface IncompletePsaRead extends IncompleteRead {
  /** null = any of them. */
  accounts: string[] | null;
}

/** Words that are kept: a vendor may have thousands of lists with the same fault. */
const kept = 50;

/** @param before what was noted of the same read so far */
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
    lists: [...(before?.lists ?? []), ...fresh].slice(0, kept),
    count: (before?.count ?? 0) + fresh.length,
  };
}

/** @param what was read, at the beginning of a sentence: "The usage" */
export function describeIncomplete(what: string, { by, at }: Acceptance): string {
  return `${what} was read from a list that was not whole, accepted by ${by} at ${at.slice(0, 16).replace('T', ' ')} UTC: it may raise and add, never lower.`;
}
