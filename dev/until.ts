import { setTimeout as delay } from 'node:timers/promises';

let patienceMs = 120_000;

/**
 * Sets how long `until` waits when its caller gives no limit: an MSP of thousands of customers takes longer to sync than one
 * of forty.
 */
export function waitAtMost(ms: number): void {
  patienceMs = ms;
}

/**
 * Asks again and again until the answer is truthy. The limit is generous, because it does not measure anything: it only makes
 * a wait that never ends fail with a message that says what was awaited.
 *
 * @param what what is awaited, for the error's message
 * @throws Error after the limit, with `what` and the last answer
 */
export async function until<T>(what: string, ask: () => Promise<T> | T, limitMs = patienceMs): Promise<NonNullable<T>> {
  const began = Date.now();
  const end = began + limitMs;
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
    // The pauses become longer, because each question costs the program that is asked some time: they add a twentieth to a wait.
    await delay(Math.min(250, 30 + (Date.now() - began) / 10));
  }
}
