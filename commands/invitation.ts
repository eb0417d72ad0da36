/** Invitations: a link that is shown once makes its holder a member, once. */
import { randomBytes } from 'node:crypto';
import { hashSecret } from '../db/encryption.ts';
import { findInvitation, insertInvitation, takeInvitation, withdrawInvitations } from '../db/queries/invitation.ts';
import {
  findMember,
  findMemberByEmail,
  findPerson,
  firstMembership,
  insertMember,
  insertPerson,
  storePassword,
  updateName,
} from '../db/queries/member.ts';
import type { Queryable } from '../db/client.ts';
import type { Role } from '../domain/roles.ts';
import { audit, personActor, type Command } from './actor.ts';
import { Refusal } from './refusal.ts';

/** Long enough for a weekend. */
const lifeMs = 3 * 24 * 3_600_000;

/** @param email in lower case */
export interface Invitee {
  email: string;
  role: Role;
}

/**
 * Invites somebody. An earlier invitation of the same e-mail is withdrawn: only the newest link works.
 *
 * @returns the invitation, and the secret of its link, which nobody can read again
 * @throws Refusal `already-member`
 */
export const invite: Command<
  Invitee,
  { invitation: Awaited<ReturnType<typeof insertInvitation>>; secret: string }
> = async (tx, actor, { email, role }) => {
  if (await findMemberByEmail(tx, actor.organizationId, email))
    throw new Refusal('conflict', 'already-member', `${email} is a member already. Change the role among the members.`);
  await withdrawInvitations(tx, actor.organizationId, { email });
  const secret = `csi_${randomBytes(32).toString('base64url')}`;
  const invitation = await insertInvitation(tx, actor.organizationId, {
    email,
    role,
    tokenHash: hashSecret(secret),
    invitedBy: actor.name,
    lifeMs,
  });
  await audit(tx, actor, {
    action: 'invitation.create',
    subjectKind: 'invitation',
    subjectId: invitation.id,
    after: { email, role },
  });
  return { invitation, secret, toWake: [] };
};

/** Withdraws an invitation: its link no longer works. @throws Refusal `not-found` */
export const withdrawInvitation: Command<{ id: string }> = async (tx, actor, { id }) => {
  const [was] = await withdrawInvitations(tx, actor.organizationId, { id });
  if (!was) throw new Refusal('unknown', 'not-found', 'There is no such invitation that waits for somebody.');
  await audit(tx, actor, {
    action: 'invitation.withdraw',
    subjectKind: 'invitation',
    subjectId: id,
    before: { email: was.email, role: was.role },
  });
  return { toWake: [] };
};

/** The refusal of a link: the same for one that never was, that was used, that was withdrawn, and that has expired. */
export const linkIsNone = () =>
  new Refusal(
    'unknown',
    'no-such-link',
    'This link is not known, was used already, or has expired. Ask whoever gave it to you for another one.',
  );

/**
 * What the holder of an invitation's link may know before accepting it.
 *
 * @returns `hasPassword`: the person signs in here already, and keeps the password
 * @throws Refusal `no-such-link`
 */
export async function readInvitation(db: Queryable, secret: string) {
  const invitation = await findInvitation(db, hashSecret(secret));
  if (!invitation) throw linkIsNone();
  const person = await findPerson(db, invitation.email);
  return { ...invitation, hasPassword: typeof person?.password === 'string' };
}

/** How the person of an invitation is known by password: better-auth's functions, which take their time on purpose. */
export interface Passwords {
  hash: (password: string) => Promise<string>;
  verify: (password: string, hash: string) => Promise<boolean>;
}

/**
 * Accepts an invitation: makes the person, with name and password, and the member. A person who has a password already must
 * give it, because the link alone may not become a way into somebody's account; name and password stay as they are.
 *
 * @throws Refusal `no-such-link`, `wrong-password`, `already-member`
 */
export const acceptInvitation =
  ({ hash, verify }: Passwords) =>
  async (
    tx: Parameters<Command<unknown>>[0],
    { secret, name, password }: { secret: string; name: string; password: string },
  ) => {
    const invitation = await findInvitation(tx, hashSecret(secret));
    // Taken first: of two at the same moment the second waits here, and then gets nothing.
    if (!invitation || !(await takeInvitation(tx, invitation.id))) throw linkIsNone();
    const { organizationId, email, role } = invitation;
    const known = await findPerson(tx, email);
    if (typeof known?.password === 'string' && !(await verify(password, known.password)))
      throw new Refusal(
        'impossible',
        'wrong-password',
        'You sign in here already with this e-mail. Give the password that you have.',
        [{ field: 'password', message: 'This is not your password.' }],
      );
    const userId = known?.id ?? (await insertPerson(tx, { name, email }));
    if (known && (await findMember(tx, organizationId, userId)))
      throw new Refusal('conflict', 'already-member', 'You are a member already. Sign in.');
    if (typeof known?.password !== 'string') {
      if (known && (await firstMembership(tx, userId)) !== undefined)
        throw new Refusal(
          'conflict',
          'no-password-yet',
          'You are known here with this e-mail, but have no password yet. Sign in and set one, then open this link again.',
        );
      if (known) await updateName(tx, userId, name);
      await storePassword(tx, userId, await hash(password));
    }
    await insertMember(tx, organizationId, { userId, role });
    await audit(tx, personActor(organizationId, userId), {
      action: 'member.join',
      subjectKind: 'member',
      subjectId: userId,
      after: { role, invitation: invitation.id },
    });
    return { userId, organizationId };
  };
