import { ConnectorError } from '../errors.ts';

/**
 * A quoted string for ConnectWise's `conditions`. Its escaping is documented nowhere: a backslash before `\` and `"` is
 * what a client in production sends (connectwise.md §2.1). The caller compares what comes back with what it wanted.
 *
 * @throws ConnectorError for control characters, which no escaping is known for
 */
export function quoted(text: string): string {
  if (/[\u0000-\u001f\u007f]/.test(text)) {
    throw new ConnectorError({
      kind: 'permanent',
      code: 'invalid_request',
      detail: 'A Product ID cannot contain control characters.',
    });
  }
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
