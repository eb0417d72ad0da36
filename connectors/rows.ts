/** Reads lists row by row: a row that cannot be read is named by its id and name, and the others are still read. */
import { createHash } from 'node:crypto';
import type { z } from 'zod';
import { ConnectorError } from './errors.ts';
import type { CallOptions, UnreadRow } from './vendor.ts';

/** A row of a list: the parsed row, or why it cannot be read. */
export interface ListedRow<T> {
  id: string;
  row?: T;
  /** The row as it came, and what is wrong with it. */
  bad?: { raw: Record<string, unknown>; why: string };
}

/**
 * @param rows the rows as they came
 * @param schema the schema of one row
 * @param path the list's path with its ids
 * @throws ConnectorError `bad_shape` for a row without an id, because nobody could say which row is missing
 */
export function readRows<T extends { id: string }>(
  rows: readonly unknown[],
  schema: z.ZodType<T>,
  path: string,
): ListedRow<T>[] {
  return rows.map((given, at) => {
    const parsed = schema.safeParse(given);
    if (parsed.success) return { id: parsed.data.id, row: parsed.data };
    const raw = typeof given === 'object' && given !== null ? (given as Record<string, unknown>) : {};
    const [issue] = parsed.error.issues;
    const field = issue?.path.map(String).join('.') || 'the row';
    const why = `${field} does not have the form Countersign knows (${issue?.code ?? 'unknown'})`;
    const id = field === 'id' ? undefined : idOf(raw);
    if (id === undefined) throw badShape(path, `row ${at + 1}${quoted(nameOf(raw))}: ${why}`);
    return { id, bad: { raw, why } };
  });
}

/**
 * Returns the rows that can be read, and passes the others to `call.unread`.
 *
 * @throws ConnectorError `bad_shape` with the row's id and name for the first bad row, if the caller gave no `unread`
 */
export function handOver<T>(rows: readonly ListedRow<T>[], path: string, call: CallOptions | undefined): T[] {
  for (const { id, bad } of rows) {
    if (!bad) continue;
    const name = nameOf(bad.raw);
    const row: UnreadRow = { id, ...(name === undefined ? {} : { name }), raw: bad.raw, why: bad.why };
    if (!call?.unread) throw unreadRow(path, row);
    call.unread(row);
  }
  return rows.flatMap(({ row }) => (row === undefined ? [] : [row]));
}

/** The error for a row that cannot be read and whose account is not known. */
export function unreadRow(path: string, row: UnreadRow): ConnectorError {
  return badShape(path, `row ${row.id}${quoted(row.name)}: ${row.why}`);
}

function badShape(path: string, what: string): ConnectorError {
  return new ConnectorError({ kind: 'permanent', code: 'bad_shape', detail: `GET ${path}: ${what}` });
}

/** The id of a row, if it is a whole number or a text; undefined for anything else. */
export function idOf(row: unknown): string | undefined {
  const id = typeof row === 'object' && row !== null && 'id' in row ? row.id : undefined;
  return Number.isSafeInteger(id) || (typeof id === 'string' && id !== '') ? String(id) : undefined;
}

/** The name by which a person knows a row. */
function nameOf(raw: Record<string, unknown>): string | undefined {
  const names = [raw['name'], raw['identifier'], raw['description']];
  return names.find((name): name is string => typeof name === 'string' && name !== '');
}

const quoted = (name: string | undefined) => (name === undefined ? '' : ` ("${name}")`);

/** A version for a row of a PSA that keeps none: equal for equal rows, whatever the order of their fields is. */
export function versionOf(row: object): string {
  return createHash('sha256').update(JSON.stringify(row, sorted)).digest('base64url').slice(0, 22);
}

function sorted(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
