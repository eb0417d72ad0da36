import { setTimeout as delay } from 'node:timers/promises';
import type { ApiClient } from '../dev/walkthrough/apiClient.ts';

export interface Probe {
  /** The phase to which answers belong from now on. */
  phase: string;
  /** The duration of every request in a phase, in milliseconds. */
  times(phase: string): readonly number[];
  stop(): Promise<void>;
}

/**
 * Sends the same request again and again, one after another, as a person's page does.
 *
 * @param everyMs milliseconds between the beginnings of two requests, in a phase
 */
export function startProbe(api: ApiClient, path: string, everyMs: (phase: string) => number): Probe {
  const seen = new Map<string, number[]>();
  const state = { stopped: false };
  const probe: Probe = {
    phase: 'before',
    times: (phase) => seen.get(phase) ?? [],
    async stop() {
      state.stopped = true;
      await done;
    },
  };
  const done = ask();
  return probe;

  async function ask(): Promise<void> {
    while (!state.stopped) {
      const { phase } = probe;
      const began = performance.now();
      await api.get(path);
      const took = performance.now() - began;
      // A request that began in one phase and ended in another belongs to neither.
      if (phase === probe.phase) seen.set(phase, [...probe.times(phase), took]);
      await delay(Math.max(0, everyMs(phase) - took));
    }
  }
}

/** The smallest value such that the given share (0 to 1) of all values are not above it. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * share) - 1] ?? NaN;
}
