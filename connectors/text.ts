/** Makes every text from outside one that PostgreSQL can hold; all answers go through here. */

const replacement = '\uFFFD';
/** JSON's escapes of U+0000 and of half surrogate pairs; unescaped they cannot occur in JSON that was sent as UTF-8. */
const suspicious = /\\u(0000|d[89a-f])/i;

/** Replaces U+0000 and half surrogate pairs by U+FFFD (`�`): a name stays recognizable, and shows that something was there. */
export function cleanText(text: string): string {
  return text.replaceAll('\0', replacement).replace(/\p{Surrogate}/gu, replacement);
}

/**
 * Parses JSON from outside. No string of the result, keys included, is one that PostgreSQL would refuse.
 *
 * @throws SyntaxError for what is not JSON
 */
export function parseOutsideJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  return suspicious.test(text) ? cleaned(value) : value;
}

function cleaned(value: unknown): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (Array.isArray(value)) return value.map(cleaned);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [cleanText(key), cleaned(each)]));
}
