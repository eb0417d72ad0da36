/** Members of an organization: their roles, and their leaving. */
import { deleteMember, findMember, lockMembers, updateRole, type MemberRow } from '../db/queries/member.ts';
import type { Transaction } from '../db/client.ts';
import type { Role } from '../domain/roles.ts';
import { audit, type Actor, type Command } from './actor.ts';
import { Refusal } from './refusal.ts';

/**
 * Gives a member another role, which holds from the next request on.
 *
 * @throws Refusal `not-found`; `last-admin` when nobody would be left who may invite
 */
export const changeRole: Command<{ userId: string; role: Role }, { member: MemberRow }> = async (
  tx,
  actor,
  { userId, role },
) => {
  const before = await memberToChange(tx, actor, userId, { staysAdmin: role === 'admin' });
  await updateRole(tx, actor.organizationId, userId, role);
  await audit(tx, actor, {
    action: 'member.role',
    subjectKind: 'member',
    subjectId: userId,
    before: { role: before.role },
    after: { role },
  });
  return { member: { ...before, role }, toWake: [] };
};

/**
 * Removes a member; the sessions of the person in this organization end at once.
 *
 * @throws Refusal `not-found`; `last-admin` when nobody would be left who may invite
 */
export const removeMember: Command<{ userId: string }, { member: MemberRow }> = async (tx, actor, { userId }) => {
  const before = await memberToChange(tx, actor, userId, { staysAdmin: false });
  await deleteMember(tx, actor.organizationId, userId);
  await audit(tx, actor, {
    action: 'member.remove',
    subjectKind: 'member',
    subjectId: userId,
    before: { email: before.email, role: before.role },
  });
  return { member: before, toWake: [] };
};

async function memberToChange(
  tx: Transaction,
  { organizationId }: Actor,
  userId: string,
  { staysAdmin }: { staysAdmin: boolean },
): Promise<MemberRow> {
  const admins = (await lockMembers(tx, organizationId)).filter(({ role }) => role === 'admin');
  const row = await findMember(tx, organizationId, userId);
  if (!row) throw new Refusal('unknown', 'not-found', 'There is no such member.');
  if (!staysAdmin && admins.length === 1 && admins[0]?.userId === userId)
    throw new Refusal(
      'conflict',
      'last-admin',
      `${row.name} is the last admin. Make another member an admin first, so that somebody can go on inviting people.`,
    );
  return row;
}
