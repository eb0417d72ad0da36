/**
 * Whether a person is signed in. The session is a cookie that no script can read: the API alone knows, and this file remembers what
 * it said last. The requests are in `signIn.ts`.
 */
import { useSyncExternalStore } from 'react';

/**
 * `unknown`: the API was not asked yet. `ended`: the API no longer knows who this is; the page stays as it is until the person has
 * signed in again.
 */
export type SessionState = 'unknown' | 'none' | 'open' | 'ended';

const listeners = new Set<() => void>();
let state: SessionState = 'unknown';

export function sessionState(): SessionState {
  return state;
}

export function openSession(): void {
  become('open');
}

/** Called when the API no longer knows who this is. */
export function endSession(): void {
  if (state === 'unknown') become('none');
  else if (state === 'open') become('ended');
}

export function closeSession(): void {
  become('none');
}

/**
 * Waits until the person has signed in again.
 *
 * @param signal ends the waiting
 * @throws the reason of the signal
 */
export function sessionOpened(signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = () => {
      if (state === 'ended' && !signal?.aborted) return;
      listeners.delete(look);
      signal?.removeEventListener('abort', look);
      if (signal?.aborted) reject(signal.reason as Error);
      else resolve();
    };
    listeners.add(look);
    signal?.addEventListener('abort', look);
    look();
  });
}

export function useSession(): SessionState {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, sessionState);
}

function become(next: SessionState): void {
  state = next;
  for (const listener of [...listeners]) listener();
}
