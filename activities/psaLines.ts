/** Reads the lines of agreements so that one of them can fail alone, also where one call may name several. */
import { ConnectorError } from '../connectors/errors.ts';
import type { PsaAdapter, PsaLine } from '../connectors/psa.ts';
import { groupBy } from '../domain/groupBy.ts';
import type { CallOptions, UnreadRow } from '../connectors/vendor.ts';

export interface ReadLines {
  lines: PsaLine[];
  /** Why some of the lines could not be read; those that are missing keep the rows that were read last. */
  unread?: string;
}

/** An agreement whose lines are read as they are on a day, YYYY-MM-DD. */
export interface WantedLines {
  id: string;
  asOf: string;
}

/** Groups agreements whose lines one call may list: those of one day, as many as the PSA takes in one call. */
export function groupsOf<T extends WantedLines>({ caps }: Pick<PsaAdapter, 'caps'>, wanted: readonly T[]): T[][] {
  const groups: T[][] = [];
  for (const sameDay of groupBy(wanted, ({ asOf }) => asOf).values())
    for (let at = 0; at < sameDay.length; at += caps.agreementsPerList)
      groups.push(sameDay.slice(at, at + caps.agreementsPerList));
  return groups;
}

/**
 * Reads the lines of a group with one call. A group that does not come as a whole is read agreement by agreement, so that
 * whatever is wrong concerns only the agreement it is wrong with.
 *
 * @param known ids of the lines that were there when each agreement was last read
 * @param accept takes what is wrong with a list that a person accepts although it is incomplete; absent = nobody does
 * @returns by agreement what `readLines` returns
 * @throws ConnectorError as `readLines` does
 */
export async function readLinesOf(
  adapter: PsaAdapter,
  group: readonly WantedLines[],
  known: ReadonlyMap<string, readonly string[]>,
  { accept, ...call }: Omit<CallOptions, 'accept'> & { accept?: (agreementId: string, what: string) => void },
): Promise<Map<string, ReadLines | null>> {
  const found = new Map<string, ReadLines | null>();
  const optionsOf = (id: string) => ({ ...call, ...(accept ? { accept: (what: string) => accept(id, what) } : {}) });
  const listed = group.length > 1 ? await listTogether(adapter, group, call) : undefined;
  for (const { id, asOf } of group) {
    const options = { ...optionsOf(id), asOf };
    const lines = listed?.get(id) ?? (listed ? [] : undefined);
    found.set(id, await readLines(adapter, id, known.get(id) ?? [], options, lines));
  }
  return found;
}

/** @returns undefined when the group has to be read agreement by agreement */
async function listTogether(
  adapter: PsaAdapter,
  group: readonly WantedLines[],
  call: CallOptions,
): Promise<Map<string, PsaLine[]> | undefined> {
  const [first] = group;
  let whole = true;
  try {
    const lines = await adapter.listLines({
      agreementIds: group.map(({ id }) => id),
      ...(first ? { asOf: first.asOf } : {}),
      ...call,
      unread: () => void (whole = false),
    });
    return whole ? groupBy(lines, ({ agreementId }) => agreementId) : undefined;
  } catch (error) {
    const isOfOne = error instanceof ConnectorError && (error.concernsOneThing || error.code === 'incomplete');
    if (isOfOne) return undefined;
    throw error;
  }
}

/**
 * Reads an agreement's lines. Where only the list shows which lines there are, each known line that the list lacks is
 * read by its id: a line counts as gone only when the PSA says so (invariant 2). A failure that concerns this agreement
 * alone does not fail the other agreements.
 *
 * @param listed its lines, if they were listed with those of others; absent = they are listed here
 * @returns null when the agreement was deleted since it was listed: none of its rows is kept
 * @throws ConnectorError `incomplete` when a line that still exists was missing from the list; and any failure that
 *   does not concern this agreement alone
 */
async function readLines(
  adapter: PsaAdapter,
  agreementId: string,
  known: readonly string[],
  { asOf, ...options }: CallOptions & { asOf?: string },
  listed?: readonly PsaLine[],
): Promise<ReadLines | null> {
  const bad: UnreadRow[] = [];
  try {
    const day = asOf === undefined ? {} : { asOf };
    const lines = [
      ...(listed ??
        (await adapter.listLines({
          agreementIds: [agreementId],
          ...day,
          ...options,
          unread: (row) => bad.push(row),
        }))),
    ];
    const there = new Set([...lines, ...bad].map((line) => line.id));
    for (const lineId of known.filter((id) => !there.has(id))) {
      const line = await adapter.getLine({ agreementId, lineId, ...day, ...options });
      if (line === null) continue;
      const detail = `The list of agreement ${agreementId} lacked its line ${lineId}, which is still there.`;
      if (!options.accept) throw new ConnectorError({ kind: 'transient', code: 'incomplete', detail });
      options.accept(detail);
      lines.push(line);
    }
    return { lines, ...(bad.length > 0 ? { unread: bad.map(describeUnreadLine).join('; ') } : {}) };
  } catch (error) {
    if (!(error instanceof ConnectorError) || !error.concernsOneThing) throw error;
    // The agreement itself is read again, because the list that contained it may be old.
    if (error.code === 'not_found' && !(await isThere(adapter, agreementId, options))) return null;
    return { lines: [], unread: error.detail };
  }
}

async function isThere(adapter: PsaAdapter, agreementId: string, options: CallOptions): Promise<boolean> {
  try {
    return (await adapter.getAgreement({ agreementId, ...options })) !== null;
  } catch (error) {
    // The PSA refuses the agreement, or it cannot be read: in both cases it still exists.
    if (error instanceof ConnectorError && error.concernsOneThing) return true;
    throw error;
  }
}

function describeUnreadLine({ id, name, why }: UnreadRow): string {
  return `line ${id}${name === undefined ? '' : ` ("${name}")`}: ${why}`;
}
