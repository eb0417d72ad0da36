import { and, asc, eq, gt, isNull, sql } from 'drizzle-orm';
import type { Role } from '../../domain/roles.ts';
import type { Queryable } from '../client.ts';
import { fromNow } from '../interval.ts';
import { invitation, organization } from '../schema/index.ts';

/** Neither accepted nor withdrawn; it may have expired. */
const isOpen = and(isNull(invitation.acceptedAt), isNull(invitation.withdrawnAt));

const shown = {
  id: invitation.id,
  email: invitation.email,
  role: invitation.role,
  invitedBy: invitation.invitedBy,
  createdAt: invitation.createdAt,
  expiresAt: invitation.expiresAt,
};

/** A page of the invitations that wait for somebody, by their ids; expired ones, too. */
export async function listInvitations(
  db: Queryable,
  organizationId: string,
  page: { after?: string | undefined; limit: number },
) {
  return db
    .select(shown)
    .from(invitation)
    .where(
      and(
        eq(invitation.organizationId, organizationId),
        isOpen,
        page.after === undefined ? undefined : gt(invitation.id, page.after),
      ),
    )
    .orderBy(asc(invitation.id))
    .limit(page.limit);
}

export async function insertInvitation(
  tx: Queryable,
  organizationId: string,
  given: { email: string; role: Role; tokenHash: string; invitedBy: string; lifeMs: number },
) {
  const { lifeMs, ...row } = given;
  const [made] = await tx
    .insert(invitation)
    .values({ organizationId, ...row, expiresAt: fromNow(lifeMs) })
    .returning(shown);
  if (!made) throw new Error('The invitation was not stored.');
  return made;
}

/** Withdraws open invitations: one by its id, or all of an e-mail. @returns those that were open */
export async function withdrawInvitations(
  tx: Queryable,
  organizationId: string,
  which: { id: string } | { email: string },
) {
  return tx
    .update(invitation)
    .set({ withdrawnAt: sql`now()` })
    .where(
      and(
        eq(invitation.organizationId, organizationId),
        isOpen,
        'id' in which ? eq(invitation.id, which.id) : eq(invitation.email, which.email),
      ),
    )
    .returning({ id: invitation.id, email: invitation.email, role: invitation.role });
}

/** The invitation of a link that can still be accepted, and the organization's name. */
export async function findInvitation(db: Queryable, tokenHash: string) {
  const [row] = await db
    .select({
      id: invitation.id,
      organizationId: invitation.organizationId,
      organizationName: organization.name,
      email: invitation.email,
      role: invitation.role,
    })
    .from(invitation)
    .innerJoin(organization, eq(organization.id, invitation.organizationId))
    .where(and(eq(invitation.tokenHash, tokenHash), isOpen, gt(invitation.expiresAt, sql`now()`)));
  return row;
}

/** Marks an invitation as accepted. @returns false when somebody else has used its link, or it was withdrawn or has expired */
export async function takeInvitation(tx: Queryable, id: string): Promise<boolean> {
  const taken = await tx
    .update(invitation)
    .set({ acceptedAt: sql`now()` })
    .where(and(eq(invitation.id, id), isOpen, gt(invitation.expiresAt, sql`now()`)))
    .returning({ id: invitation.id });
  return taken.length > 0;
}
