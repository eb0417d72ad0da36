/** CSV as spreadsheets save it: read with its line numbers, and written so that no cell is a formula. Pure. */
import { CsvError, parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';

/** What cannot be read, and on which line, from 1. */
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

/** What a spreadsheet shows, and writes, above the header to say what separates the cells. */
const separatorLine = /^("?)sep=(.)\1[,;\t]*(?:\r\n|\n|\r|$)/i;
const firstSeparator = /^[ \t]*"?[\w ]+"?[ \t]*([,;\t])/;

/**
 * @param text with a header line; cells separated by what a line `sep=…` before it says, or else by commas, semicolons or
 * tabs (spreadsheets of some countries write semicolons)
 * @throws SheetError when it is no CSV, or has no header
 */
export function readSheet(text: string): Sheet {
  const all = text.replace(/^\uFEFF/, '');
  const separator = separatorLine.exec(all);
  const linesBefore = separator ? 1 : 0;
  const body = all.slice(separator?.[0].length ?? 0);
  const delimiter = separator?.[2] ?? firstSeparator.exec(body)?.[1];
  if (delimiter === undefined) throw new SheetError(1, 'The first line is no header.');
  try {
    // The types know nothing of `info` without `columns`.
    const records = parse(body, {
      delimiter,
      info: true,
      // Lines that were edited by hand may end otherwise than the others.
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
      // ="007" is a cell with quotes inside.
      relax_quotes: true,
      // A spreadsheet's empty rows are separators alone.
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
    // Space around a cell is kept only in quotes, and so is every end of a line.
    { header: true, columns: [...header], quoted_match: /^\s|\s$|[\r\n]/ },
  );
}

// What a spreadsheet would take for a formula, in either width, behind any apostrophes: so that taking the one away that
// was put there always gives what was there.
const formula = /^'*[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/;
/** A formula whose result is a text: how a spreadsheet is made to keep 007 as it is. */
const quotedFormula = /^="((?:[^"]|"")*)"$/;

/** A customer's name may be a formula that a spreadsheet would run (OWASP, "CSV Injection"): as text it starts with an apostrophe. */
function neutral(text: string): string {
  return formula.test(text) ? `'${text}` : text;
}

function plain(text: string): string {
  // What was written as a formula is none: it has its apostrophe.
  const quoted = quotedFormula.exec(text)?.[1];
  if (quoted !== undefined) return quoted.replaceAll('""', '"');
  return text.startsWith("'") && formula.test(text) ? text.slice(1) : text;
}

/** Several texts in one cell, with a space between; one that has a space or a quote itself is in quotes, as in JSON. */
export function joinCell(texts: readonly string[]): string {
  return texts.map((text) => (/^[^\s"]+$/.test(text) ? text : JSON.stringify(text))).join(' ');
}

/** @throws Error for quotes that are none of `joinCell` */
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
