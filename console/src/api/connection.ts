/** Whether Countersign answers. When it does not, that is told, it is asked again, and what failed meanwhile is read. */
import { useSyncExternalStore } from 'react';

const firstRetryMs = 1_000;
const longestRetryMs = 10_000;

const listeners = new Set<() => void>();
const healed = new Set<() => void>();
let lost = false;

/** Called for a request that got no answer. */
export function noteLost(): void {
  if (lost) return;
  lost = true;
  tell(listeners);
  probe(firstRetryMs);
}

function probe(waitMs: number): void {
  setTimeout(() => {
    fetch('/healthz', { cache: 'no-store' }).then(
      ({ ok }) => (ok ? noteHealed() : probe(Math.min(waitMs * 2, longestRetryMs))),
      () => probe(Math.min(waitMs * 2, longestRetryMs)),
    );
  }, waitMs);
}

function noteHealed(): void {
  lost = false;
  tell(listeners);
  tell(healed);
}

/** @param then called each time the connection is there again */
export function onHealed(then: () => void): void {
  healed.add(then);
}

export function useConnectionLost(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => lost,
  );
}

function tell(whom: ReadonlySet<() => void>): void {
  for (const each of whom) each();
}
