/** Text that PostgreSQL cannot hold is made text that it can, in one place: every answer goes through here. */

const replacement = '\uFFFD';
/** How JSON spells U+0000 and the halves of surrogate pairs; raw they cannot stand in JSON that was sent as UTF-8. */
const suspicious = /\\u(0000|d[89a-f])/i;

/** Shows U+0000 and half a surrogate pair as U+FFFD (`�`): the name stays recognizable, and that something was there is seen. */
export function cleanText(text: string): string {
  return text.replaceAll('\0', replacement).replace(/\p{Surrogate}/gu, replacement);
}

/**
 * Parses JSON of the outside world; no string in it, keys included, is one that PostgreSQL would refuse.
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
