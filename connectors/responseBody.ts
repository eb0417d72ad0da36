/** What an answer's body is: data, or something else that answered in its place. */
import type { z } from 'zod';
import { ConnectorError } from './errors.ts';
import { parseOutsideJson } from './text.ts';

/**
 * Whether a body is written for people and not by the API: a maintenance, challenge or login page. It comes from a server
 * in front of the API, so it says nothing about what was asked for, or about who asks.
 */
export function isPage(text: string, contentType: string | null): boolean {
  if (text.trim() === '' || isJson(text)) return false;
  // Cloudflare says so in plain text to whoever does not ask for HTML.
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
 * Lenient on what is there besides, strict on what is used: an answer that does not fit names the field, never its value.
 * What is no data at all, or no row, says nothing of the row that was asked for: that passes.
 *
 * @param about.where method and route, for words
 * @param text undefined when the bytes are no text in the encoding they declare
 * @throws ConnectorError `not_json` (transient), or `bad_shape`, which is permanent where it is the row's own
 */
export function dataIn<T>(
  schema: z.ZodType<T>,
  text: string | undefined,
  about: { where: string; requestId: string | undefined; quote: (text: string) => string },
): T {
  const { where, requestId } = about;
  // It answered, so a write may have been one (invariant 5).
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
    const said = title === undefined ? '' : `: "${about.quote(title)}"`;
    const what = text.trimStart().startsWith('<') ? 'a page' : 'a text';
    throw failure('transient', 'not_json', ` answered with ${what} and no data${said}`);
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  if (json === undefined) throw failure('transient', 'not_json', ' answered with nothing');
  const [issue] = parsed.error.issues;
  const field = issue?.path.map(String).join('.') ?? '';
  const code = issue?.code ?? 'unknown';
  // No list, or no row with an id: this is a message about something else.
  if ((field === '' && code === 'invalid_type') || (field === 'id' && !Object.hasOwn(Object(json) as object, 'id')))
    throw failure('transient', 'bad_shape', ' answered with something other than what was asked for');
  const what = `: ${field || 'the answer'} does not have the form Countersign knows (${code})`;
  throw failure('permanent', 'bad_shape', what);
}

/** The other side's own words: `message`, else `error`, else the text without its tags. */
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
