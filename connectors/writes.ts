/** Classifies a failed write (invariants 5 and 6): it was not sent, it was refused, or its outcome is unknown. */
import { ConnectorError, type ConnectorErrorCode } from './errors.ts';
import type { FailedWrite } from './psa.ts';

/**
 * Classifies an error of the write's own request.
 *
 * @param grant a sentence that says what to change in the PSA if Countersign lacks the right
 * @throws an error that is not the PSA's: whether the write was sent is known only to the caller, who claims it
 */
export function afterFailedWrite(error: unknown, grant: string): FailedWrite {
  if (!(error instanceof ConnectorError)) throw error;
  if (error.mayHaveActed) return { outcome: 'uncertain', detail: error.detail };
  if (error.code !== 'forbidden') return refused(error);
  return { outcome: 'not_sent', error: error.explained({ detail: `${error.detail} ${grant}` }) };
}

/** Failures that concern only this row; any other failure would happen to the next row just the same. */
const ofTheRow = new Set<ConnectorErrorCode>(['invalid_request', 'not_found', 'bad_shape', 'too_large']);

/** Classifies an error that came before anything was written, or that refused the write. */
export function refused(error: ConnectorError): Extract<FailedWrite, { outcome: 'rejected' | 'not_sent' }> {
  if (error.kind === 'permanent' && ofTheRow.has(error.code))
    return {
      outcome: 'rejected',
      code: error.code,
      detail: error.detail,
      ...(error.status === undefined ? {} : { status: error.status }),
    };
  return { outcome: 'not_sent', error };
}
