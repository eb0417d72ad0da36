/** Reads CSV as spreadsheets save it, with line numbers, and writes CSV in which no cell is a formula. Pure. */
import { CsvError, parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';

/** A CSV that cannot be read; `line` counts from 1. */
export class SheetError extends Error {
  override readonly name = 'SheetError';
  readonly line: number;
  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

export interface Sheet {
  header: string[];
  /** The lines after the header that are not empty; their cells as text. */
  rows: { line: number; cells: string[] }[];
}

/** The line `sep=;` above the header, by which some spreadsheets say what separates the cells. */
const separatorLine = /^("?)sep=(.)\1[,;\t]*(?:\r\n|\n|\r|$)/i;
const firstSeparator = /^[ \t]*"?[\w ]+"?[ \t]*([,;\t])/;

/**
 * @param text CSV with a header line. A line `sep=…` above the header names the separator; without one it is the comma,
 * semicolon or tab after the first column name (spreadsheets of some countries write semicolons)
 * @throws SheetError when the text is not CSV, or has no header
 */
export function readSheet(text: string): Sheet {
  const all = text.replace(/^\uFEFF/, '');
  const separator = separatorLine.exec(all);
  const linesBefore = separator ? 1 : 0;
  const body = all.slice(separator?.[0].length ?? 0);
  const delimiter = separator?.[2] ?? firstSeparator.exec(body)?.[1];
  if (delimiter === undefined) throw new SheetError(1, 'The first line is no header.');
  try {
    // csv-parse's types lack the result of `info` without `columns`, hence the cast.
    const records = parse(body, {
      delimiter,
      info: true,
      // Lines that were edited by hand may have other line ends than the rest.
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
      // A cell like ="007" has quotes inside.
      relax_quotes: true,
      // A spreadsheet writes an empty row as separators only.
      skip_records_with_empty_values: true,
      trim: true,
    }) as unknown as { record: string[]; info: { lines: number } }[];
    const [header, ...rows] = records.map(({ record, info }) => ({
      line: info.lines + linesBefore,
      cells: record.map(plain),
    }));
    if (!header) throw new SheetError(1, 'The first line is no header.');
    return { header: header.cells, rows };
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new SheetError(Number(error['lines'] ?? 1) + linesBefore, `It cannot be read as CSV: ${error.message}`);
  }
}

/** @param rows the cells of each line, as `readSheet` gives them back */
export function writeSheet(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return stringify(
    rows.map((cells) => cells.map(neutral)),
    { header: true, columns: [...header], quoted_match: onlyInQuotes },
  );
}

/** Space around a cell, and a line end inside it, survive only in quotes. */
const onlyInQuotes = /^\s|\s$|[\r\n]/;

/** A cell of a file that is not read again; null is an empty cell. */
export type Cell = string | number | null;

/**
 * Writes lines of a file that is only read by people and spreadsheets, as RFC 4180 has them. A number stays a number, also
 * one below 0, so that a spreadsheet can add it: only a text can be a formula.
 */
export function writeLines(rows: readonly (readonly Cell[])[]): string {
  return stringify(
    rows.map((cells) => cells.map((cell) => (typeof cell === 'string' ? neutral(cell) : cell))),
    { record_delimiter: 'windows', quoted_match: onlyInQuotes },
  );
}

// What a spreadsheet would take for a formula, in ASCII or full-width characters, behind any number of apostrophes: so the
// apostrophe that `neutral` adds can always be told, and `plain` gives back the original text.
const formula = /^'*[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/;
/** A formula whose result is a text, such as ="007": people write it so that a spreadsheet keeps the zeros. */
const quotedFormula = /^="((?:[^"]|"")*)"$/;

/** Puts an apostrophe before what a spreadsheet would run as a formula; a customer's name may be one (OWASP, "CSV Injection"). */
function neutral(text: string): string {
  return formula.test(text) ? `'${text}` : text;
}

function plain(text: string): string {
  // `writeSheet` never writes a formula, so this one was typed by a person.
  const quoted = quotedFormula.exec(text)?.[1];
  if (quoted !== undefined) return quoted.replaceAll('""', '"');
  return text.startsWith("'") && formula.test(text) ? text.slice(1) : text;
}

/** Joins texts into one cell, separated by spaces; a text that holds a space or a quote is quoted as in JSON. */
export function joinCell(texts: readonly string[]): string {
  return texts.map((text) => (/^[^\s"]+$/.test(text) ? text : JSON.stringify(text))).join(' ');
}

/** Splits what `joinCell` joined. @throws Error for quotes that `joinCell` does not write */
export function splitCell(cell: string): string[] {
  return [...cell.matchAll(/"(?:[^"\\]|\\.)*"(?=\s|$)|\S+/gs)].map(([part]) => {
    if (!part.startsWith('"')) return part;
    try {
      return JSON.parse(part) as string;
    } catch {
      throw new Error(`The quotes in ${cell} are not closed, or not as the export writes them.`);
    }
  });
}
