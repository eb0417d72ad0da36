import { and, asc, desc, eq, gt, gte, inArray, lt, or, sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { audit } from '../schema/index.ts';
import { isOrBeginsWith } from './isOrBeginsWith.ts';

export interface AuditEntry {
  action: string;
  subjectKind: string;
  subjectId: string;
  before?: unknown;
  after?: unknown;
}

/** Writes the audit rows of any number of changes, in one statement; `audit` of commands/actor.ts is its only caller. */
export async function insertAudits(
  tx: Queryable,
  by: { organizationId: string; name: string },
  entries: readonly AuditEntry[],
): Promise<void> {
  if (entries.length === 0) return;
  await tx.execute(sql`
    insert into audit (organization_id, actor, action, subject_kind, subject_id, before, after)
    select ${by.organizationId}::uuid, ${by.name}, r.action, r."subjectKind", r."subjectId", r.before, r.after
      from jsonb_to_recordset(${JSON.stringify(entries)}::jsonb)
           as r(action text, "subjectKind" text, "subjectId" text, before jsonb, after jsonb)`);
}

/** The newest audit row about any of these subjects. */
export async function latestAudit(
  db: Queryable,
  organizationId: string,
  subjects: readonly { kind: string; id: string }[],
) {
  const isOne = subjects.map(({ kind, id }) => and(eq(audit.subjectKind, kind), eq(audit.subjectId, id)));
  const [newest] = await db
    .select()
    .from(audit)
    .where(and(eq(audit.organizationId, organizationId), or(...isOne)))
    .orderBy(desc(audit.id))
    .limit(1);
  return newest;
}

/** The newest audit rows about a subject, the newest first. */
export async function listAuditOf(
  db: Queryable,
  organizationId: string,
  subject: { kind: string; id: string },
  limit: number,
) {
  return db
    .select()
    .from(audit)
    .where(
      and(
        eq(audit.organizationId, organizationId),
        eq(audit.subjectKind, subject.kind),
        eq(audit.subjectId, subject.id),
      ),
    )
    .orderBy(desc(audit.id))
    .limit(limit);
}

/** The id of the organization's newest audit row; 0 = there is none. */
export async function lastAuditId(db: Queryable, organizationId: string): Promise<number> {
  const [row] = await db
    .select({ id: audit.id })
    .from(audit)
    .where(eq(audit.organizationId, organizationId))
    .orderBy(desc(audit.id))
    .limit(1);
  return row?.id ?? 0;
}

/**
 * Lists the audit rows after the row `since`, the oldest first, about subjects of these kinds whose ids begin with
 * `under`.
 */
export async function listAuditSince(
  db: Queryable,
  organizationId: string,
  { since, kinds, under }: { since: number; kinds: readonly string[]; under: string },
) {
  return db
    .select()
    .from(audit)
    .where(
      and(
        eq(audit.organizationId, organizationId),
        gt(audit.id, since),
        inArray(audit.subjectKind, [...kinds]),
        sql`starts_with(${audit.subjectId}, ${under})`,
      ),
    )
    .orderBy(asc(audit.id));
}

export interface AuditFilter {
  /** An actor, or what stands before the colon of several. */
  by?: string | undefined;
  /** An action, or what stands before the dot of several. */
  action?: string | undefined;
  subjectKind?: string | undefined;
  subjectId?: string | undefined;
  begins?: Date | undefined;
  ends?: Date | undefined;
}

/** A page of the audit, newest first. */
export async function listAudit(
  db: Queryable,
  organizationId: string,
  filter: AuditFilter,
  page: { before?: number | undefined; limit: number },
) {
  const { by, action, subjectKind, subjectId, begins, ends } = filter;
  return db
    .select()
    .from(audit)
    .where(
      and(
        eq(audit.organizationId, organizationId),
        by === undefined ? undefined : isOrBeginsWith(audit.actor, by, ':'),
        action === undefined ? undefined : isOrBeginsWith(audit.action, action, '.'),
        subjectKind === undefined ? undefined : eq(audit.subjectKind, subjectKind),
        subjectId === undefined ? undefined : eq(audit.subjectId, subjectId),
        begins === undefined ? undefined : gte(audit.at, begins),
        ends === undefined ? undefined : lt(audit.at, ends),
        page.before === undefined ? undefined : lt(audit.id, page.before),
      ),
    )
    .orderBy(desc(audit.id))
    .limit(page.limit);
}
