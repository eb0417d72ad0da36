/** Lists that do not arrive whole: what spoke against them, and what a server does that always speaks against them. */
import { ConnectorError, type Contradiction } from './errors.ts';

/** One piece of evidence that does not agree with the others. */
export interface Disagreement {
  /** What disagreed, in words for a person; follows "the list did not arrive whole: ". */
  why: string;
  /** The server's own way of answering, where it is one: reading again does not help if it shows the same again. */
  contradiction?: Contradiction;
}

/**
 * @param path of the list, with its ids
 * @param disagreements what spoke against it; the server's own contradictions are told first
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

/** The pages hold fewer or more rows than the server counts. */
export function countDisagrees(rows: number, counted: number): Disagreement {
  if (rows > counted) {
    return {
      why: `${rows} rows came where the server counts ${counted} in all`,
      contradiction: 'counts_too_few',
    };
  }
  // One that is always missing is a count that starts wrong, or a row the key may not see; a page that was cut lacks many.
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

/** Sizes of pages are round numbers, whatever was asked for: such a page may be a full one. */
const roundSize = 25;

/**
 * Whether a page may be full, so that one more must be asked for.
 *
 * @param rows in the page
 * @param largest rows that a page holds, by what was said and by what came
 */
export function mayBeFull(rows: number, largest: number): boolean {
  return rows > 0 && (rows >= largest || rows % roundSize === 0);
}
