/** A longer pause is taken for a mistake: a wrong header must not stop a connection for a day. */
const maxMs = 60 * 60_000;

/** Seconds as in RFC 9110, also with a fraction, as some servers send. No sign, exponent or unit. */
const number = /^\d+(\.\d+)?$/;
/** All three forms of an HTTP date begin with the day of the week; `Date.parse` would accept much more, such as "-5". */
const httpDate = /^[A-Z][a-z]{2,8},? .*\d{2}:\d{2}:\d{2}/;

/**
 * Reads a `Retry-After` header. It accepts 0 to 3,600 seconds, or a time within the next hour (an HTTP date, or the seconds
 * since 1970 that some servers send by mistake).
 *
 * @param header the header's value; null = there is none
 * @param now epoch milliseconds
 * @returns milliseconds; undefined = no header, or an implausible one
 */
export function retryAfter(header: string | null, now = Date.now()): number | undefined {
  const text = header?.trim() ?? '';
  if (number.test(text)) {
    const ms = Math.ceil(Number(text) * 1000);
    return believed(ms) ?? believed(ms - now);
  }
  // A date without a zone (asctime's form) is in GMT like the others.
  if (httpDate.test(text)) return believed(Date.parse(/ GMT$/.test(text) ? text : `${text} GMT`) - now);
  return undefined;
}

/** A time in the past means a wrong clock, not permission to ask at once. */
const believed = (ms: number) => (ms >= 0 && ms <= maxMs ? ms : undefined);
