/** Tells data in an answer's body from a page or a text that came in its place. */
import type { z } from 'zod';
import { ConnectorError } from './errors.ts';
import { parseOutsideJson } from './text.ts';

/**
 * Whether a body is a page for people and not the API's answer: a maintenance, challenge or login page. Such a page comes
 * from a server in front of the API, so it does not tell anything about the row that was asked for, or about the credentials.
 */
export function isPage(text: string, contentType: string | null): boolean {
  if (text.trim() === '' || isJson(text)) return false;
  // Cloudflare answers "error code: …" in plain text to clients that do not ask for HTML.
  return /^text\/html\b/i.test(contentType ?? '') || /^\s*(<|error code: \d+\s*$)/.test(text);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * Reads an answer's data: strict on the fields that are used, lenient on all others. The error names the field, never its
 * value. An answer that is no data at all, or not a row, does not concern the row that was asked for: such an error passes.
 *
 * @param text undefined when the bytes are not text in the encoding they declare
 * @param about.where method and route, for the error's text
 * @throws ConnectorError `not_json` (transient), or `bad_shape`, which is permanent if the row itself is at fault
 */
export function dataIn<T>(
  schema: z.ZodType<T>,
  text: string | undefined,
  about: { where: string; requestId: string | undefined; quote: (text: string) => string },
): T {
  const { where, requestId } = about;
  // The other side answered, so it may have carried out a write (invariant 5).
  const failure = (kind: 'transient' | 'permanent', code: 'not_json' | 'bad_shape', what: string) =>
    new ConnectorError({ kind, code, detail: `${where}${what}`, requestId, mayHaveActed: true });
  if (text === undefined) {
    const what = ' answered in bytes that do not fit the encoding they declare; or that are no UTF-8, and declare none';
    throw failure('permanent', 'bad_shape', what);
  }
  let json: unknown;
  try {
    json = text.trim() === '' ? undefined : parseOutsideJson(text);
  } catch {
    const title = /<title[^>]*>([^<]*)/i.exec(text)?.[1];
    const quotedTitle = title === undefined ? '' : `: "${about.quote(title)}"`;
    const what = text.trimStart().startsWith('<') ? 'a page' : 'a text';
    throw failure('transient', 'not_json', ` answered with ${what} and no data${quotedTitle}`);
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  if (json === undefined) throw failure('transient', 'not_json', ' answered with nothing');
  const [issue] = parsed.error.issues;
  const field = issue?.path.map(String).join('.') ?? '';
  const code = issue?.code ?? 'unknown';
  // Neither a list nor a row with an id: the answer is a message about something else.
  if ((field === '' && code === 'invalid_type') || (field === 'id' && !Object.hasOwn(Object(json) as object, 'id')))
    throw failure('transient', 'bad_shape', ' answered with something other than what was asked for');
  const what = `: ${field || 'the answer'} does not have the form Countersign knows (${code})`;
  throw failure('permanent', 'bad_shape', what);
}

/** The message in an answer of the other side: `message`, else `error`, else the text without its tags. */
export function messageIn(text: string): string {
  try {
    const body = JSON.parse(text) as { message?: unknown; error?: unknown; errors?: { message?: unknown }[] };
    const first = Array.isArray(body.errors) ? body.errors[0]?.message : undefined;
    const words = [body.message ?? body.error, first].filter((word) => typeof word === 'string');
    if (words.length > 0) return words.join('; ');
  } catch {
    // Not JSON: some answers are HTML.
  }
  return text
    .replace(/<(script|style)\b[^>]*>[^]*?<\/\1>/gi, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}
