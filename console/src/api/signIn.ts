/** The requests by which a session begins and ends: the only ones that are not in the contract of `/v1`. */
import { noteLost } from './connection.ts';
import { noAnswer, problemOf } from './problem.ts';
import { endSession, sessionOpened } from './session.ts';

export interface InvitationShown {
  organization: string;
  email: string;
  role: 'viewer' | 'operator' | 'admin';
  /** The person signs in here already, and keeps the password. */
  hasPassword: boolean;
}

export const signIn = (given: { email: string; password: string }) => send('POST', 'sign-in', given);
export const signInByLink = (secret: string) => send('POST', 'link', { secret });
export const readInvitation = (secret: string) => send('POST', 'invitation', { secret }) as Promise<InvitationShown>;
export const join = (given: { secret: string; name: string; password: string }) => send('POST', 'join', given);
export const signOut = () => send('POST', 'sign-out');
export const signOutEverywhere = () => send('POST', 'sign-out-everywhere');

/**
 * Like every change, it is sent again once a person whose session has ended has signed in again.
 *
 * @param given.current null for somebody who came by a link, or has no password yet
 */
export const setPassword = (given: { current: string | null; password: string }): Promise<unknown> =>
  send('PUT', 'password', given).catch(async (error: unknown) => {
    if (!isEnded(error)) throw error;
    endSession();
    await sessionOpened();
    return setPassword(given);
  });

const isEnded = (error: unknown) => error instanceof Error && 'code' in error && error.code === 'no-session';

/** @throws Problem */
async function send(method: 'POST' | 'PUT', path: string, body?: object): Promise<unknown> {
  const response = await fetch(`/auth/${path}`, {
    method,
    ...(body ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {}),
  }).catch(() => {
    noteLost();
    throw noAnswer();
  });
  const answer: unknown = await response.json().catch(() => undefined);
  if (response.ok && answer !== undefined) return answer;
  throw problemOf(response.status, answer);
}
