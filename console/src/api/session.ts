/**
 * How a person is signed in. This file alone knows: a token that was typed, kept until the tab is closed. Signing in by a
 * cookie replaces this file and routes/signIn.tsx.
 */
import { useSyncExternalStore } from 'react';

/** `ended`: the API no longer knows who this is; the page stays as it is until the person has signed in again. */
export type SessionState = 'none' | 'open' | 'ended';

const key = 'countersign.token';
const listeners = new Set<() => void>();
let token = sessionStorage.getItem(key);
let ended = false;

export function sessionState(): SessionState {
  if (token === null) return 'none';
  return ended ? 'ended' : 'open';
}

/** What a request carries to say who asks. */
export function credentials(): Record<string, string> {
  return token === null ? {} : { authorization: `Bearer ${token}` };
}

export function openSession(given: string): void {
  token = given;
  ended = false;
  sessionStorage.setItem(key, given);
  tell();
}

/** Called when the API answers 401. */
export function endSession(): void {
  if (token === null || ended) return;
  ended = true;
  tell();
}

export function closeSession(): void {
  token = null;
  ended = false;
  sessionStorage.removeItem(key);
  tell();
}

export function useSession(): SessionState {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, sessionState);
}

function tell(): void {
  for (const listener of listeners) listener();
}
