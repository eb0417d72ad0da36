/** Compares a line, writes its quantity once, and reads it back: the same for every PSA (invariant 5). */
import { sameQuantity } from '../domain/quantities.ts';
import { ConnectorError } from './errors.ts';
import type { LineQuery, PsaAdapter, PsaLine, SetQuantity, SetQuantityResult } from './psa.ts';
import type { CallOptions } from './vendor.ts';
import { afterFailedWrite, refused } from './writes.ts';

/** What a connector knows of its PSA's lines. */
export interface LineWriter {
  /** The PSA's name, in sentences. */
  psa: string;
  /** A sentence that says what to change in the PSA when Countersign lacks the right to write. */
  grant: string;
  getLine: PsaAdapter['getLine'];
  /** Sends the one request that sets the quantity, claimed by `command.claim` right before it is sent. */
  send(command: SetQuantity & CallOptions, line: PsaLine): Promise<unknown>;
}

/**
 * Sets a line's quantity, if it still is what was signed off. Where the PSA accepts no row version with a write, another writer may
 * come between comparing and writing; comparing right before and reading back keep that window small.
 *
 * @throws an error that is not the PSA's, such as PostgreSQL's when it cannot claim the write
 */
export async function compareWriteReadBack(
  writer: LineWriter,
  command: SetQuantity & CallOptions,
): Promise<SetQuantityResult> {
  let line: PsaLine | null;
  try {
    line = await writer.getLine(queryOf(command));
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    return refused(error);
  }
  if (line && sameQuantity(line.quantity, command.to, command.decimals)) {
    return { outcome: 'already', before: line.quantity, after: line.quantity, version: line.version };
  }
  if (!line || !sameQuantity(line.quantity, command.from, command.decimals))
    return { outcome: 'conflict', current: line };
  // The quantity is the same, but the line changed since it was signed off: it may have ended, or bill another product now.
  if (command.expectedVersion && line.version !== command.expectedVersion)
    return { outcome: 'conflict', current: line };
  try {
    await writer.send(command, line);
  } catch (error) {
    return afterFailedWrite(error, writer.grant);
  }
  return readBack(writer, command, line.quantity);
}

/** A dated write is compared with, and shows in, the line as of its day. */
function queryOf({ agreementId, lineId, effectiveDate, signal }: SetQuantity & CallOptions): LineQuery & CallOptions {
  return {
    agreementId,
    lineId,
    ...(effectiveDate === undefined ? {} : { asOf: effectiveDate }),
    ...(signal ? { signal } : {}),
  };
}

async function readBack(
  { psa, getLine }: LineWriter,
  command: SetQuantity & CallOptions,
  before: number,
): Promise<SetQuantityResult> {
  try {
    const now = await getLine(queryOf(command));
    if (now && sameQuantity(now.quantity, command.to, command.decimals))
      return { outcome: 'applied', before, after: now.quantity, version: now.version };
    // The PSA took the write but shows another quantity: an answer without effect, a lag, or another writer. Read again later.
    return { outcome: 'uncertain', detail: `${psa} took the write but shows ${now?.quantity ?? 'no line'}.` };
  } catch (error) {
    return {
      outcome: 'uncertain',
      detail: error instanceof ConnectorError ? error.detail : 'The line could not be read again.',
    };
  }
}
