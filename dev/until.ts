import { setTimeout as delay } from 'node:timers/promises';

let patienceMs = 120_000;

/** How long `until` waits where nobody says it, from now on: an MSP of thousands of customers takes longer to sync than one of forty. */
export function waitAtMost(ms: number): void {
  patienceMs = ms;
}

/**
 * Asks until the answer is truthy. The limit is generous: it is there to say what was awaited, not to measure.
 *
 * @throws Error that names what did not come, with what was seen last
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
    // What has taken long already may be seen a little later; whoever asks is work for what he waits for.
    await delay(Math.min(250, 30 + (Date.now() - began) / 20));
  }
}
