/**
 * The possible readings of an id in a URL. Clients put an id there as it is (`SpamTitan Seat`, `a/b`), percent-encoded, or
 * form-encoded (`SpamTitan+Seat`); only comparing with the known ids tells which of these it was. Pure.
 */

/** The distinct readings of one part of a URL; the percent-decoded one comes first. */
export interface IdReadings {
  readings: [string, ...string[]];
  /** Whether it was sent properly encoded, so that even an id that nobody knows yet can be taken from it. */
  proper: boolean;
}

/** @param part the part of the URL as it was sent, still encoded */
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
 * Finds the row that is meant. Within one reading a row's id counts first, then the id that we gave it, then its name.
 *
 * @param rows every row that one of the readings may mean
 * @returns undefined when there is none; 'ambiguous' when the readings mean more than one row
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
 * Ids in a query, as `a,b` or as repeated parameters. An id may itself hold commas: only the known ids tell where it ends.
 *
 * @param values the parameter's values as they were given
 * @param withComma the known ids that hold a comma
 * @returns everything that may be an id: each piece between commas, and each run of pieces that is a known id
 */
export function possibleIds(values: readonly string[], withComma: ReadonlySet<string>): string[] {
  return values.flatMap((value) => [...value.split(','), ...runsOf(value, withComma).map((run) => run.id)]);
}

/**
 * @param known those of `possibleIds` that exist
 * @returns the ids that are meant; undefined when two known ids overlap in a value, so that either may be meant
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

/** Runs of pieces between commas that are ids, ordered by where they begin. */
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

/** One percent-encoded character: its first byte tells how many follow in UTF-8. */
const encodedCharacter =
  /%[0-7][\da-f]|%[cd][\da-f]%[89ab][\da-f]|%e[\da-f](?:%[89ab][\da-f]){2}|%f[0-7](?:%[89ab][\da-f]){3}/gi;

/**
 * Decodes what is percent-encoded, and leaves what only looks like it: an id may itself hold `%`. Each character is judged
 * alone, so that in `%AA%3F` the `?` is read although no character begins with the byte AA.
 */
function decodeLeniently(text: string): string {
  return text.replace(encodedCharacter, (bytes) => decodeOr(bytes, bytes));
}

const isEncoded = (text: string) => decodeOr(text, undefined) !== undefined;

function decodeOr<T>(text: string, otherwise: T): string | T {
  try {
    return decodeURIComponent(text);
  } catch {
    return otherwise;
  }
}
