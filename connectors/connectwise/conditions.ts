import { ConnectorError } from '../errors.ts';

/**
 * Quotes a string for ConnectWise's `conditions`. The escaping is not documented: a client in production sends a backslash
 * before `\` and `"` (connectwise.md §2.1). The caller has to compare what comes back with what it wanted.
 *
 * @throws ConnectorError for control characters, for which no escaping is known
 */
export function quoted(text: string): string {
  if (/[\u0000-\u001f\u007f]/.test(text)) {
    throw new ConnectorError({
      kind: 'permanent',
      code: 'invalid_request',
      detail: 'What is searched for cannot contain control characters.',
    });
  }
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
