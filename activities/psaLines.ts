/** Reads the lines of agreements one agreement after another, so that one of them can fail alone. */
import { ConnectorError } from '../connectors/errors.ts';
import type { PsaAdapter, PsaLine } from '../connectors/psa.ts';
import type { CallOptions, UnreadRow } from '../connectors/vendor.ts';

export interface ReadLines {
  lines: PsaLine[];
  /** Why some of the lines could not be read; those that are missing keep the rows that were read last. */
  unread?: string;
}

/**
 * Reads an agreement's lines. Where only the list shows which lines there are, each known line that the list lacks is
 * read by its id: a line counts as gone only when the PSA says so (invariant 2). A failure that concerns this agreement
 * alone does not fail the other agreements.
 *
 * @returns null when the agreement was deleted since it was listed: none of its rows is kept
 * @throws ConnectorError `incomplete` when a line that still exists was missing from the list; and any failure that
 *   does not concern this agreement alone
 */
export async function readLines(
  adapter: PsaAdapter,
  agreementId: string,
  known: readonly string[],
  options: CallOptions,
): Promise<ReadLines | null> {
  const bad: UnreadRow[] = [];
  try {
    const lines = await adapter.listLines({ agreementId, ...options, unread: (row) => bad.push(row) });
    const listed = new Set([...lines, ...bad].map((line) => line.id));
    for (const lineId of known.filter((id) => !listed.has(id))) {
      const line = await adapter.getLine({ agreementId, lineId, ...options });
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
