/** Lines of agreements: read one agreement after another, so that one of them may fail alone. */
import { ConnectorError } from '../connectors/errors.ts';
import type { PsaAdapter, PsaLine } from '../connectors/psa.ts';
import type { CallOptions, UnreadRow } from '../connectors/vendor.ts';

export interface ReadLines {
  lines: PsaLine[];
  /** Why not all of them could be read: what is missing keeps its last rows. */
  unread?: string;
}

/**
 * An agreement's lines. Where nothing but the list says which there are, what is missing of the lines we knew is asked for
 * by id: a line is gone only when the PSA says so (invariant 2). What fails for this agreement alone fails no other.
 *
 * @returns null when the agreement was deleted since it was listed: nothing of it is kept
 * @throws ConnectorError `incomplete` when a line that is still there was missing from the list; what is not of this agreement
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
    // What its lines rest on is looked at again: the list that had it may be old.
    if (error.code === 'not_found' && !(await isThere(adapter, agreementId, options))) return null;
    return { lines: [], unread: error.detail };
  }
}

async function isThere(adapter: PsaAdapter, agreementId: string, options: CallOptions): Promise<boolean> {
  try {
    return (await adapter.getAgreement({ agreementId, ...options })) !== null;
  } catch (error) {
    // Refused, or not to be read: in any case there.
    if (error instanceof ConnectorError && error.concernsOneThing) return true;
    throw error;
  }
}

function describeUnreadLine({ id, name, why }: UnreadRow): string {
  return `line ${id}${name === undefined ? '' : ` ("${name}")`}: ${why}`;
}
