import { and, desc, eq, lt } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { audit } from '../schema/index.ts';

/** The actor of what a process did by itself. */
export const byCountersign = 'countersign';

/** Writes the audit row of a change, in the change's own transaction (invariant 8). Never pass a secret. */
export async function recordAudit(
  tx: Queryable,
  organizationId: string,
  entry: {
    actor: string;
    action: string;
    subjectKind: string;
    subjectId: string;
    before?: unknown;
    after?: unknown;
  },
): Promise<void> {
  await tx.insert(audit).values({ organizationId, ...entry });
}

/** A page of the audit, newest first. */
export async function listAudit(
  db: Queryable,
  organizationId: string,
  page: { before?: number | undefined; limit: number },
) {
  return db
    .select()
    .from(audit)
    .where(
      and(eq(audit.organizationId, organizationId), page.before === undefined ? undefined : lt(audit.id, page.before)),
    )
    .orderBy(desc(audit.id))
    .limit(page.limit);
}
