/** Accounts whose names look alike: what tells them apart, and which of them a vendor account might have meant. */
import { sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { lookOf } from '../schema/look.ts';
import { among } from './among.ts';

/** What tells a PSA account from others whose names look like its own. */
export interface PsaMarks {
  id: string;
  /** The kind of its PSA, whose word for a line is used. */
  kind: string;
  code: string | null;
  /** How many active lines its agreements have. */
  lines: number;
}

/** The same of a vendor account: the first domains that its counts come from, and whether there are more. */
export interface VendorMarks {
  id: string;
  domains: string[];
  more: boolean;
}

const shownDomains = 3;

/**
 * The marks of a PSA account; null = no other name looks like its own.
 *
 * @param table the table `psa_account`, or its alias, in the statement
 */
export const psaMarks = (table = 'psa_account') => {
  const a = sql.raw(table);
  return sql<PsaMarks | null>`case when exists (
      select from psa_account other
       where other.psa_connection_id = ${a}.psa_connection_id and ${lookOf(sql`other.name`)} = ${lookOf(sql`${a}.name`)}
         and other.id <> ${a}.id)
    then jsonb_build_object('id', ${a}.id, 'kind', (select kind from psa_connection where id = ${a}.psa_connection_id), 'code', ${a}.code, 'lines', (
      select count(*) from agreement g
        join agreement_line l on (l.psa_connection_id, l.agreement_id) = (g.psa_connection_id, g.id)
       where g.psa_connection_id = ${a}.psa_connection_id and g.account_id = ${a}.id and l.status = 'active')) end`;
};

/** The marks of the vendor account that the statement calls `vendor_account`; null = no other name looks like its own. */
export const vendorMarks = sql<VendorMarks | null>`case when exists (
    select from vendor_account other
     where other.integration_id = vendor_account.integration_id
       and ${lookOf(sql`other.name`)} = ${lookOf(sql`vendor_account.name`)} and other.id <> vendor_account.id)
  then (select jsonb_build_object('id', vendor_account.id,
                                  'domains', coalesce(jsonb_agg(d.domain order by d.domain) filter (where d.at <= ${shownDomains}), '[]'),
                                  'more', count(*) > ${shownDomains})
          from (select p.part->>'domain' as domain, row_number() over (order by p.part->>'domain') as at
                  from usage_count u, jsonb_array_elements(u.parts) p(part)
                 where u.integration_id = vendor_account.integration_id and u.vendor_account_id = vendor_account.id
                 group by 1 order by 1 limit ${shownDomains + 1}) d) end`;

/** Reads the marks of PSA accounts. @returns by connection and id, as JSON; accounts whose names nobody shares are not in it */
export async function readPsaMarks(
  db: Queryable,
  accounts: readonly { psaConnectionId: string; id: string }[],
): Promise<(psaConnectionId: string, id: string) => PsaMarks | null> {
  if (accounts.length === 0) return () => null;
  const { rows } = await db.execute<{ connection: string; id: string; marks: PsaMarks | null }>(sql`
    select a.psa_connection_id as connection, a.id, ${psaMarks('a')} as marks
      from psa_account a
     where a.psa_connection_id = any(${sql.param([...new Set(accounts.map((each) => each.psaConnectionId))])}::uuid[])
       and ${among(
         sql`a.id`,
         accounts.map(({ id }) => id),
       )}`);
  const byKey = new Map(rows.map(({ connection, id, marks }) => [`${connection}/${id}`, marks]));
  return (psaConnectionId, id) => byKey.get(`${psaConnectionId}/${id}`) ?? null;
}

/** A PSA account whose name looks like that of a vendor account. */
export interface Lookalike {
  vendorAccountId: string;
  vendorName: string;
  id: string;
  name: string;
  marks: PsaMarks | null;
  /** Whether another vendor account has the same name, or another active PSA account has this one. */
  ambiguous: boolean;
  /** Whether another vendor account is mapped to it. */
  taken: boolean;
}

const shownLookalikes = 3;

/** The active PSA accounts whose names look like those of these vendor accounts, a few for each. */
export async function listLookalikes(
  db: Queryable,
  row: { id: string; psaConnectionId: string },
  vendorAccountIds: readonly string[],
): Promise<Lookalike[]> {
  if (vendorAccountIds.length === 0) return [];
  const { rows } = await db.execute<Lookalike & Record<string, unknown>>(sql`
    select v.id as "vendorAccountId", v.name as "vendorName", near.id, near.name, near.marks, near.taken,
           near.shared or exists (
             select from vendor_account w
              where w.integration_id = v.integration_id and w.name = v.name and w.id <> v.id and not w.excluded
                and w.missing_since is null) as ambiguous
      from vendor_account v
     cross join lateral (
       select p.id, p.name, ${psaMarks('p')} as marks,
              exists (select from account_mapping m where m.integration_id = v.integration_id and m.psa_account_id = p.id) as taken,
              exists (select from psa_account q
                       where q.psa_connection_id = p.psa_connection_id and q.name = p.name and q.id <> p.id and q.active) as shared
         from psa_account p
        where p.psa_connection_id = ${row.psaConnectionId} and p.active
          and ${lookOf(sql`p.name`)} = ${lookOf(sql`v.name`)}
        order by p.name <> v.name, p.name, p.id
        limit ${shownLookalikes}) near
     where v.integration_id = ${row.id} and ${among(sql`v.id`, vendorAccountIds)}
     order by v.id, near.name <> v.name, near.name, near.id`);
  return rows;
}
