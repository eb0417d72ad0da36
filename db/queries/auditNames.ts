/** The names of what audit rows are about, as they are now. */
import { sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';

/** Whose line, card or mapping it is. A name is null when there is none, or what had it is gone. */
export interface AuditAbout {
  account: string | null;
  product: string | null;
  /** The card of its account and product, if it has one. */
  cardId: string | null;
}

interface Subject {
  subjectKind: string;
  subjectId: string;
}

interface Asked {
  kind: string;
  id: string;
  ours: string | null;
  outside: string;
}

/** What stands before the first `/` of a subject's id is one of our ids, and what follows is one of the outside system. */
const outsideKinds = ['vendor_account', 'service', 'psa_product'];
const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/**
 * Reads the names of the subjects of audit rows, whatever number of them, with one statement.
 *
 * @returns a function that gives those of a subject; null = nothing is known of it
 */
export async function namesOfSubjects(db: Queryable, organizationId: string, subjects: readonly Subject[]) {
  const asked = subjects.flatMap(({ subjectKind: kind, subjectId: id }): Asked[] => {
    if (kind === 'agreement_line') return [{ kind, id, ours: null, outside: id }];
    const at = id.indexOf('/');
    const [ours, outside] = at < 0 ? [id, ''] : [id.slice(0, at), id.slice(at + 1)];
    if (!uuid.test(ours)) return [];
    return kind === 'card' || outsideKinds.includes(kind) ? [{ kind, id, ours, outside }] : [];
  });
  const { rows } = await db.execute<Record<string, unknown> & AuditAbout & { kind: string; id: string }>(sql`
    with asked as materialized (
      select distinct * from jsonb_to_recordset(${JSON.stringify(asked)}::jsonb) as r(kind text, id text, ours uuid, outside text))
    select r.kind, r.id, a.name as account, coalesce(p.product_id, p.name, l.product_id) as product, c.id as "cardId"
      from asked r
      join lateral (
        select l.psa_connection_id, g.account_id, l.product_id
          from psa_connection o
          join agreement_line l on (l.psa_connection_id, l.id) = (o.id, r.outside)
          join agreement g on (g.psa_connection_id, g.id) = (l.psa_connection_id, l.agreement_id)
         where o.organization_id = ${organizationId}
         -- Two PSAs may have lines of one id: it is that of which something was approved.
         order by exists (select from approval_line w join approval_batch b on b.id = w.batch_id
                           where (w.psa_account_id, w.psa_product_id, w.line_id) = (g.account_id, l.product_id, l.id)
                             and b.psa_connection_id = o.id) desc, o.id
         limit 1) l on true
      left join psa_account a on (a.psa_connection_id, a.id) = (l.psa_connection_id, l.account_id)
      left join psa_product p on (p.psa_connection_id, p.id) = (l.psa_connection_id, l.product_id)
      left join card c on (c.psa_connection_id, c.psa_account_id, c.psa_product_id)
                          = (l.psa_connection_id, l.account_id, l.product_id)
     where r.kind = 'agreement_line'
    union all
    select r.kind, r.id, c.account_name, c.product_name, c.id
      from asked r join card c on c.id = r.ours and c.organization_id = ${organizationId} where r.kind = 'card'
    union all
    select r.kind, r.id, a.name, null, null
      from asked r join integration i on i.id = r.ours and i.organization_id = ${organizationId}
      join vendor_account a on (a.integration_id, a.id) = (i.id, r.outside) where r.kind = 'vendor_account'
    union all
    select r.kind, r.id, null, s.name, null
      from asked r join integration i on i.id = r.ours and i.organization_id = ${organizationId}
      join service s on (s.integration_id, s.id) = (i.id, r.outside) where r.kind = 'service'
    union all
    select r.kind, r.id, null, coalesce(p.product_id, p.name), null
      from asked r join psa_connection o on o.id = r.ours and o.organization_id = ${organizationId}
      join psa_product p on (p.psa_connection_id, p.id) = (o.id, r.outside) where r.kind = 'psa_product'`);
  const known = new Map(
    rows.map(({ kind, id, account, product, cardId }) => [`${kind} ${id}`, { account, product, cardId }]),
  );
  return ({ subjectKind, subjectId }: Subject): AuditAbout | null => known.get(`${subjectKind} ${subjectId}`) ?? null;
}
