/** Signing in and out: one-time links, passwords, and the end of sessions. What better-auth writes itself is not here. */
import { randomBytes } from 'node:crypto';
import { hashSecret } from '../db/encryption.ts';
import {
  deleteSessions,
  findMember,
  findMemberByEmail,
  forgetExpired,
  insertMember,
  insertPerson,
  insertSignInLink,
  findPerson,
  storePassword,
  takeSignInLink,
} from '../db/queries/member.ts';
import type { Transaction } from '../db/client.ts';
import type { Role } from '../domain/roles.ts';
import { audit, personActor, type Command } from './actor.ts';
import { linkIsNone } from './invitation.ts';
import { Refusal } from './refusal.ts';

/** Long enough to change from a terminal to a browser. */
export const linkLifeMs = 30 * 60_000;

/**
 * Makes a link that signs a member in once. It is for the command line: whoever can run that can read the database.
 *
 * @param input.ifMissing makes the person and the member when the e-mail is not a member's, as a fresh stack needs it
 * @returns the secret of the link
 * @throws Refusal `not-found` when there is no such member
 */
export const makeSignInLink: Command<
  { email: string; ifMissing?: { name: string; role: Role } },
  { secret: string }
> = async (tx, actor, { email, ifMissing }) => {
  const { organizationId } = actor;
  let userId = (await findMemberByEmail(tx, organizationId, email))?.id;
  if (userId === undefined) {
    if (!ifMissing) throw new Refusal('unknown', 'not-found', `${email} is no member. Invite that person.`);
    userId = (await findPerson(tx, email))?.id ?? (await insertPerson(tx, { name: ifMissing.name, email }));
    await insertMember(tx, organizationId, { userId, role: ifMissing.role });
    await audit(tx, actor, {
      action: 'member.join',
      subjectKind: 'member',
      subjectId: userId,
      after: { role: ifMissing.role },
    });
  }
  const secret = `csl_${randomBytes(32).toString('base64url')}`;
  await insertSignInLink(tx, { userId, organizationId, tokenHash: hashSecret(secret), lifeMs: linkLifeMs });
  await audit(tx, actor, { action: 'person.link', subjectKind: 'person', subjectId: userId });
  return { secret, toWake: [] };
};

/**
 * Uses a one-time link up.
 *
 * @returns for whom a session may be opened
 * @throws Refusal `no-such-link`, also when the person is no member any more
 */
export async function redeemSignInLink(
  tx: Transaction,
  { secret }: { secret: string },
): Promise<{ userId: string; organizationId: string }> {
  const link = await takeSignInLink(tx, hashSecret(secret));
  if (!link || !(await findMember(tx, link.organizationId, link.userId))) throw linkIsNone();
  return link;
}

/** Writes the audit row of a sign-in, before the cookie is given out, and removes what has expired. */
export async function noteSignIn(
  tx: Transaction,
  person: { userId: string; organizationId: string },
  how: 'password' | 'link' | 'invitation',
): Promise<void> {
  await forgetExpired(tx);
  await audit(tx, personActor(person.organizationId, person.userId), {
    action: 'person.signIn',
    subjectKind: 'person',
    subjectId: person.userId,
    after: { with: how },
  });
}

/** Ends a session of the person, or all of them, in every browser, at once. */
export const endSessions: Command<{ userId: string; only?: string }> = async (tx, actor, { userId, only }) => {
  const ended = await deleteSessions(tx, userId, only === undefined ? {} : { id: only });
  await audit(tx, actor, {
    action: only === undefined ? 'person.signOutEverywhere' : 'person.signOut',
    subjectKind: 'person',
    subjectId: userId,
    after: { sessions: ended },
  });
  return { toWake: [] };
};

/** Sets a person's password; every other session of the person ends. @param input.hash of the new password */
export const changePassword: Command<{ userId: string; sessionId: string; hash: string }> = async (
  tx,
  actor,
  { userId, sessionId, hash },
) => {
  await storePassword(tx, userId, hash);
  const ended = await deleteSessions(tx, userId, { except: sessionId });
  await audit(tx, actor, {
    action: 'person.password',
    subjectKind: 'person',
    subjectId: userId,
    after: { otherSessionsEnded: ended },
  });
  return { toWake: [] };
};
