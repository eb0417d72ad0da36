import { and, asc, eq, gt, inArray, isNull, lt, sql } from 'drizzle-orm';
import type { Role } from '../../domain/roles.ts';
import type { Queryable } from '../client.ts';
import { fromNow } from '../interval.ts';
import { account, apiToken, member, session, signInLink, user } from '../schema/index.ts';

/** The provider of an account that is a password; better-auth's name for it. */
const byPassword = 'credential';

/** A member with the person's name and e-mail. */
export interface MemberRow {
  id: string;
  name: string;
  email: string;
  role: Role;
  joinedAt: Date;
}

const memberColumns = {
  id: user.id,
  name: user.name,
  email: user.email,
  role: member.role,
  joinedAt: member.joinedAt,
};

/** A page of the members, by their ids. */
export async function listMembers(
  db: Queryable,
  organizationId: string,
  page: { after?: string | undefined; limit: number },
): Promise<MemberRow[]> {
  return db
    .select(memberColumns)
    .from(member)
    .innerJoin(user, eq(user.id, member.userId))
    .where(
      and(
        eq(member.organizationId, organizationId),
        page.after === undefined ? undefined : gt(member.userId, page.after),
      ),
    )
    .orderBy(asc(member.userId))
    .limit(page.limit);
}

export async function findMember(
  db: Queryable,
  organizationId: string,
  userId: string,
): Promise<MemberRow | undefined> {
  const [row] = await db
    .select(memberColumns)
    .from(member)
    .innerJoin(user, eq(user.id, member.userId))
    .where(and(eq(member.organizationId, organizationId), eq(member.userId, userId)));
  return row;
}

/** Finds a member by e-mail, given in lower case. */
export async function findMemberByEmail(
  db: Queryable,
  organizationId: string,
  email: string,
): Promise<MemberRow | undefined> {
  const [row] = await db
    .select(memberColumns)
    .from(member)
    .innerJoin(user, eq(user.id, member.userId))
    .where(and(eq(member.organizationId, organizationId), eq(user.email, email)));
  return row;
}

/** Locks all members of an organization, so that its last admin stays one until the transaction is over. */
export async function lockMembers(tx: Queryable, organizationId: string): Promise<{ userId: string; role: Role }[]> {
  return tx
    .select({ userId: member.userId, role: member.role })
    .from(member)
    .where(eq(member.organizationId, organizationId))
    .orderBy(asc(member.userId))
    .for('update');
}

export async function insertMember(
  tx: Queryable,
  organizationId: string,
  { userId, role }: { userId: string; role: Role },
): Promise<void> {
  await tx.insert(member).values({ organizationId, userId, role });
}

export async function updateRole(tx: Queryable, organizationId: string, userId: string, role: Role): Promise<void> {
  await tx
    .update(member)
    .set({ role })
    .where(and(eq(member.organizationId, organizationId), eq(member.userId, userId)));
}

/**
 * Removes a member and ends the sessions in this organization. Somebody who is no member anywhere any more loses the password,
 * too, so that a later invitation begins anew; the row with the name stays, for the audit.
 */
export async function deleteMember(tx: Queryable, organizationId: string, userId: string): Promise<void> {
  const mine = eq(member.organizationId, organizationId);
  await tx.delete(member).where(and(mine, eq(member.userId, userId)));
  await deleteSessions(tx, userId, { organizationId });
  await tx.delete(signInLink).where(and(eq(signInLink.userId, userId), eq(signInLink.organizationId, organizationId)));
  await tx
    .delete(account)
    .where(and(eq(account.userId, userId), sql`not exists (select from ${member} where ${member.userId} = ${userId})`));
}

/** The organization in which a person became a member first; undefined = in none. */
export async function firstMembership(db: Queryable, userId: string): Promise<string | undefined> {
  const [row] = await db
    .select({ id: member.organizationId })
    .from(member)
    .where(eq(member.userId, userId))
    .orderBy(asc(member.joinedAt))
    .limit(1);
  return row?.id;
}

export async function insertPerson(tx: Queryable, person: { name: string; email: string }): Promise<string> {
  const [row] = await tx.insert(user).values(person).returning({ id: user.id });
  if (!row) throw new Error('The person was not stored.');
  return row.id;
}

/** Finds a person by e-mail, given in lower case. `password` is the stored hash; null = there is none. */
export async function findPerson(
  db: Queryable,
  email: string,
): Promise<{ id: string; name: string; password: string | null } | undefined> {
  const [row] = await db
    .select({ id: user.id, name: user.name, password: account.password })
    .from(user)
    .leftJoin(account, and(eq(account.userId, user.id), eq(account.providerId, byPassword)))
    .where(eq(user.email, email));
  return row;
}

/** The stored hash of a person's password. */
export async function readPassword(db: Queryable, userId: string): Promise<string | undefined> {
  const [row] = await db
    .select({ password: account.password })
    .from(account)
    .where(and(eq(account.userId, userId), eq(account.providerId, byPassword)));
  return row?.password ?? undefined;
}

export async function updateName(tx: Queryable, userId: string, name: string): Promise<void> {
  await tx
    .update(user)
    .set({ name, updatedAt: sql`now()` })
    .where(eq(user.id, userId));
}

/** @param hash of `hashPassword` of better-auth */
export async function storePassword(tx: Queryable, userId: string, hash: string): Promise<void> {
  const changed = await tx
    .update(account)
    .set({ password: hash, updatedAt: sql`now()` })
    .where(and(eq(account.userId, userId), eq(account.providerId, byPassword)))
    .returning({ id: account.id });
  if (changed.length > 0) return;
  // better-auth takes only a password whose `account_id` is the person's id.
  await tx.insert(account).values({ userId, accountId: userId, providerId: byPassword, password: hash });
}

/** Ends sessions of a person: all, those in one organization, one, or all but one. */
export async function deleteSessions(
  tx: Queryable,
  userId: string,
  which: { organizationId?: string; id?: string; except?: string } = {},
): Promise<number> {
  const ended = await tx
    .delete(session)
    .where(
      and(
        eq(session.userId, userId),
        which.organizationId === undefined ? undefined : eq(session.organizationId, which.organizationId),
        which.id === undefined ? undefined : eq(session.id, which.id),
        which.except === undefined ? undefined : sql`${session.id} <> ${which.except}`,
      ),
    )
    .returning({ id: session.id });
  return ended.length;
}

/** Removes what is over: sessions and links that have expired. */
export async function forgetExpired(db: Queryable): Promise<void> {
  await db.delete(session).where(lt(session.expiresAt, sql`now()`));
  await db.delete(signInLink).where(lt(signInLink.expiresAt, sql`now() - interval '1 day'`));
}

export async function insertSignInLink(
  tx: Queryable,
  link: { userId: string; organizationId: string; tokenHash: string; lifeMs: number },
): Promise<void> {
  const { lifeMs, ...row } = link;
  await tx.insert(signInLink).values({ ...row, expiresAt: fromNow(lifeMs) });
}

/** Takes a link that was not used and has not expired; a second caller gets nothing. */
export async function takeSignInLink(
  tx: Queryable,
  tokenHash: string,
): Promise<{ userId: string; organizationId: string } | undefined> {
  const [row] = await tx
    .update(signInLink)
    .set({ usedAt: sql`now()` })
    .where(and(eq(signInLink.tokenHash, tokenHash), isNull(signInLink.usedAt), gt(signInLink.expiresAt, sql`now()`)))
    .returning({ userId: signInLink.userId, organizationId: signInLink.organizationId });
  return row;
}

/** The names under which people know tokens and persons, by id; those of revoked tokens and former members, too. */
export async function namesOf(
  db: Queryable,
  ids: { tokens: readonly string[]; persons: readonly string[] },
): Promise<Map<string, string>> {
  const [tokens, persons] = await Promise.all([
    ids.tokens.length === 0
      ? []
      : db
          .select({ id: apiToken.id, name: apiToken.name })
          .from(apiToken)
          .where(inArray(apiToken.id, [...ids.tokens])),
    ids.persons.length === 0
      ? []
      : db
          .select({ id: user.id, name: user.name })
          .from(user)
          .where(inArray(user.id, [...ids.persons])),
  ]);
  return new Map([...tokens, ...persons].map(({ id, name }) => [id, name]));
}
