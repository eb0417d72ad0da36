/**
 * What an id in an address may mean. Clients put one there as it is (`SpamTitan Seat`, `a/b`), percent-encoded, or as forms
 * encode (`SpamTitan+Seat`); only what is known tells which it was. Pure.
 */

/** A part of an address, read in each way, each once, percent-encoding first. */
export interface IdReadings {
  readings: [string, ...string[]];
  /** As it ought to be sent: an id that nobody knows yet can be told from it. */
  proper: boolean;
}

/** @param part of the address as it was sent, still encoded */
export function readingsOf(part: string): IdReadings {
  const [percent, form] = [part, part.replaceAll('+', ' ')].map(decodeLeniently) as [string, string];
  const readings = [...new Set([percent, form, part])] as [string, ...string[]];
  return { readings, proper: !part.includes('/') && isEncoded(part) };
}

/** Something with an id, and other names for it. */
export interface Identified {
  id: string;
  /** The id that we gave it. */
  givenId?: string;
  name?: string;
}

/**
 * The one that is meant: within a reading its id counts first, then the id that we gave it, then its name; over the readings
 * there must be no two.
 *
 * @param rows all that one of the readings may mean
 * @returns undefined when there is none
 */
export function meantBy<T extends Identified>(
  readings: readonly string[],
  rows: readonly T[],
): T | 'ambiguous' | undefined {
  const meant = new Set(
    readings.flatMap((reading) => {
      for (const key of ['id', 'givenId', 'name'] as const) {
        const found = rows.filter((row) => row[key] === reading);
        if (found.length > 0) return found;
      }
      return [];
    }),
  );
  return meant.size > 1 ? 'ambiguous' : [...meant][0];
}

/**
 * Ids in a query, `a,b` or one by one. An id may hold commas itself: then only what is known tells where one ends.
 *
 * @param values as they were given
 * @returns everything that may be an id: each piece between commas, and runs of pieces that are known ids
 */
export function possibleIds(values: readonly string[], withComma: ReadonlySet<string>): string[] {
  return values.flatMap((value) => [...value.split(','), ...runsOf(value, withComma).map((run) => run.id)]);
}

/**
 * @param known those of `possibleIds` that there are
 * @returns the ones that are meant; undefined when two of them share a part of a value, so that either may be meant
 */
export function meantIds(values: readonly string[], known: ReadonlySet<string>): string[] | undefined {
  const ids: string[] = [];
  for (const value of values) {
    let end = -1;
    for (const run of runsOf(value, known)) {
      if (run.from <= end) return undefined;
      end = run.to;
      ids.push(run.id);
    }
  }
  return ids;
}

/** Runs of pieces between commas that are ids, by where they begin. */
function runsOf(value: string, ids: ReadonlySet<string>): { from: number; to: number; id: string }[] {
  const pieces = value.split(',');
  let maxParts = 0;
  for (const id of ids) maxParts = Math.max(maxParts, id.split(',').length);
  return pieces.flatMap((_, from) =>
    Array.from({ length: Math.min(maxParts, pieces.length - from) }, (__, more) => from + more)
      .map((to) => ({ from, to, id: pieces.slice(from, to + 1).join(',') }))
      .filter(({ id }) => ids.has(id)),
  );
}

const encoded = /(?:%[\da-f]{2})+/gi;

/** Decodes what is percent-encoded, and leaves what only looks so: an id may hold `%`. */
function decodeLeniently(text: string): string {
  return text.replace(encoded, (bytes) => decodeOr(bytes, bytes));
}

const isEncoded = (text: string) => decodeOr(text, undefined) !== undefined;

function decodeOr<T>(text: string, otherwise: T): string | T {
  try {
    return decodeURIComponent(text);
  } catch {
    return otherwise;
  }
}
