/** What a write that failed says of itself (invariants 5 and 6): nothing was sent, it was refused, or nobody knows. */
import { ConnectorError, type ConnectorErrorCode } from '../errors.ts';
import type { FailedWrite } from '../psa.ts';

/**
 * After the request was sent, or tried to be.
 *
 * @param right the setting that a refusal for want of a right names
 */
export function afterFailedWrite(error: unknown, right: string): FailedWrite {
  if (!(error instanceof ConnectorError)) return { outcome: 'uncertain', detail: 'The write was cut off.' };
  if (error.mayHaveActed) return { outcome: 'uncertain', detail: error.detail };
  if (error.code !== 'forbidden') return refused(error);
  const detail = `${error.detail} In System > Security Roles set ${right} for the API member.`;
  return { outcome: 'not_sent', error: error.explained({ detail }) };
}

/** Reasons that are the row's own; every other failure would meet the next row just the same. */
const ofTheRow = new Set<ConnectorErrorCode>(['invalid_request', 'not_found', 'bad_shape', 'too_large']);

/** Before anything was sent, or when it was refused. */
export function refused(error: ConnectorError): Extract<FailedWrite, { outcome: 'rejected' | 'not_sent' }> {
  if (error.kind === 'permanent' && ofTheRow.has(error.code))
    return { outcome: 'rejected', code: error.code, detail: error.detail };
  return { outcome: 'not_sent', error };
}
