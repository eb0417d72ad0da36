/** Lists that do not arrive whole: the evidence against them, and servers whose lists always contradict themselves. */
import { ConnectorError, type Contradiction } from './errors.ts';

/** One piece of evidence that a list is not whole. */
export interface Disagreement {
  /** What disagreed, in words for a person; follows "the list did not arrive whole: ". */
  why: string;
  /** Set when this is how the server always answers: if a second reading shows the same, reading again does not help. */
  contradiction?: Contradiction;
}

/**
 * @param path the list's path with its ids
 * @param disagreements the evidence; the error names a contradiction of the server first
 */
export function incomplete(path: string, disagreements: readonly Disagreement[]): ConnectorError {
  const named = disagreements.find(({ contradiction }) => contradiction !== undefined);
  const words = [...new Set((named ? [named, ...disagreements] : disagreements).map(({ why }) => why))];
  return new ConnectorError({
    kind: 'transient',
    code: 'incomplete',
    detail: `GET ${path}: the list did not arrive whole: ${words.join('; ')}`,
    contradiction: named?.contradiction,
  });
}

/** The evidence when the pages hold fewer or more rows than the server counts. */
export function countDisagrees(rows: number, counted: number): Disagreement {
  if (rows > counted) {
    return {
      why: `${rows} rows came where the server counts ${counted} in all`,
      contradiction: 'counts_too_few',
    };
  }
  // One missing row is a count that is off by one, or a row that the key may not see; a page that was cut lacks many rows.
  return rows > 0 && counted === rows + 1
    ? {
        why: `the server counts one row more than it shows (${counted}, and ${rows} came)`,
        contradiction: 'counts_one_more',
      }
    : { why: `${rows} of ${counted} rows came` };
}

export const ignoresPage = (page: string): Disagreement => ({
  why: `the server answered ${page} with rows of a page before: it ignores the page it is asked for`,
  contradiction: 'ignores_page',
});

/** Page sizes are round numbers, whatever size was asked for: a page with such a number of rows may be full. */
const roundSize = 25;

/**
 * Whether a page may be full, so that one more must be asked for.
 *
 * @param rows the number of rows in the page
 * @param largest the most rows that a page holds, by what the server says and by what came
 */
export function mayBeFull(rows: number, largest: number): boolean {
  return rows > 0 && (rows >= largest || rows % roundSize === 0);
}
