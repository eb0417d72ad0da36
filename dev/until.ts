import { setTimeout as delay } from 'node:timers/promises';

/**
 * Asks until the answer is truthy. The limit is generous: it is there to say what was awaited, not to measure.
 *
 * @throws Error that names what did not come, with what was seen last
 */
export async function until<T>(what: string, ask: () => Promise<T> | T, limitMs = 120_000): Promise<NonNullable<T>> {
  const end = Date.now() + limitMs;
  let seen: unknown;
  for (;;) {
    try {
      seen = await ask();
      if (seen) return seen as NonNullable<T>;
    } catch (error) {
      seen = error;
      if (Date.now() > end) throw error;
    }
    if (Date.now() > end) throw new Error(`Waited ${limitMs / 1000} s for ${what}; last seen: ${JSON.stringify(seen)}`);
    await delay(50);
  }
}
