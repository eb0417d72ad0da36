/** Longer than this nobody means: a mistaken header must not stop a connection for a day. */
const maxMs = 60 * 60_000;

/** Seconds, as RFC 9110 says, and with a fraction, as some servers send. No sign, exponent or unit. */
const number = /^\d+(\.\d+)?$/;
/** The three forms of an HTTP date begin with the day of the week; `Date.parse` reads much more, "-5" for one. */
const httpDate = /^[A-Z][a-z]{2,8},? .*\d{2}:\d{2}:\d{2}/;

/**
 * What a `Retry-After` asks for, if it is to be believed: 0 to 3,600 seconds, or a time within the next hour (an HTTP date,
 * or the seconds since 1970 that some servers send by mistake).
 *
 * @param header the header's value, null = there is none
 * @param now epoch milliseconds
 * @returns milliseconds; undefined = none, or none to be believed
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

/** A time that has passed already is a clock that is wrong, and no leave to ask at once. */
const believed = (ms: number) => (ms >= 0 && ms <= maxMs ? ms : undefined);
