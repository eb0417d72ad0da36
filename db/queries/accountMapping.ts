/** The one place that writes what a vendor account is mapped to, or that it is excluded; used by commands/accountMapping.ts. */
import { sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import type { accountMapping } from '../schema/index.ts';
import type { IntegrationRow } from './integration.ts';

/** Who maps: two names that are equal, a person here, or one in the vendor's console. */
export type MappedBy = typeof accountMapping.$inferSelect.how;

/** What is to be so of one vendor account: excluded, mapped, or (both empty) open. */
export interface AccountDecision {
  vendorAccountId: string;
  excluded: boolean;
  psaAccountId: string | null;
}

/** A vendor account whose decision is another now. */
export interface DecidedAccount extends AccountDecision {
  before: { excluded: boolean; psaAccountId: string | null; how: MappedBy | null };
}

/**
 * Makes the decisions so and writes the audit row of each that changes something, in one statement however many there are.
 * An account that nobody has linked is left as it is.
 *
 * @param by.via `file` for a mapping file, which the audit then tells
 * @param decisions of each vendor account one at most
 * @returns what has changed, by vendor account
 */
export async function storeAccountDecisions(
  tx: Queryable,
  { id, organizationId }: Pick<IntegrationRow, 'id' | 'organizationId'>,
  by: { actor: string; how: MappedBy; via?: 'file' },
  decisions: readonly AccountDecision[],
): Promise<DecidedAccount[]> {
  if (decisions.length === 0) return [];
  const { rows } = await tx.execute<{
    id: string;
    excluded: boolean;
    psa: string | null;
    was_excluded: boolean;
    was_psa: string | null;
    was_how: MappedBy | null;
  }>(sql`
    with wanted as (
      select w."vendorAccountId" as id, w.excluded, w."psaAccountId" as psa,
             case when w."psaAccountId" is not null then ${by.how}::text end as how
        from jsonb_to_recordset(${JSON.stringify(decisions)}::jsonb)
             as w("vendorAccountId" text, excluded boolean, "psaAccountId" text)),
    -- Every part of one statement sees the rows as they were before it.
    changed as (
      select w.*, a.excluded as was_excluded, m.psa_account_id as was_psa, m.how as was_how
        from wanted w
        join vendor_account a on a.integration_id = ${id} and a.id = w.id and a.linked
        left join account_mapping m on m.integration_id = a.integration_id and m.vendor_account_id = a.id
       where (a.excluded, m.psa_account_id, m.how) is distinct from (w.excluded, w.psa, w.how)),
    flagged as (
      update vendor_account a set excluded = c.excluded
        from changed c where a.integration_id = ${id} and a.id = c.id and a.excluded <> c.excluded),
    unmapped as (
      delete from account_mapping m
       using changed c where m.integration_id = ${id} and m.vendor_account_id = c.id and c.psa is null),
    mapped as (
      insert into account_mapping (integration_id, vendor_account_id, psa_account_id, how)
      select ${id}::uuid, id, psa, how from changed where psa is not null order by id
      on conflict (integration_id, vendor_account_id) do update
         set psa_account_id = excluded.psa_account_id, how = excluded.how, mapped_at = now()),
    audited as (
      insert into audit (organization_id, actor, action, subject_kind, subject_id, before, after)
      select ${organizationId}::uuid, ${by.actor},
             case when psa is not null then 'account.map' when excluded then 'account.exclude'
                  when was_excluded then 'account.include' else 'account.unmap' end,
             'vendor_account', ${id} || '/' || id,
             jsonb_build_object('excluded', was_excluded, 'psaAccountId', was_psa, 'how', was_how),
             jsonb_build_object('excluded', excluded, 'psaAccountId', psa, 'how', how)
               || case when ${by.via ?? null}::text is null then '{}' else jsonb_build_object('by', ${by.via ?? null}::text) end
        from changed order by id)
    select id, excluded, psa, was_excluded, was_psa, was_how from changed order by id`);
  return rows.map((row) => ({
    vendorAccountId: row.id,
    excluded: row.excluded,
    psaAccountId: row.psa,
    before: { excluded: row.was_excluded, psaAccountId: row.was_psa, how: row.was_how },
  }));
}
