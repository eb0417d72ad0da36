/**
 * Agreements that bill nothing now, of accounts with usage for which no active agreement has a line: that usage may
 * have been billed on an inactive agreement.
 */
import { and, eq, sql } from 'drizzle-orm';
import type { Queryable, Transaction } from '../client.ts';
import { stagingRow } from '../schema/index.ts';
import { among } from './among.ts';
import { stageRows } from './staging.ts';

export interface InactiveAgreement {
  id: string;
  name: string;
  accountId: string;
  version: string | null;
  /** Whether the agreement's lines were last read at exactly this version. */
  unchanged: boolean;
}

/**
 * Lists staged inactive agreements after a cursor, in the cursor's order, of accounts with a mapped service whose
 * products have no line on the account's staged active agreements. For an account without any usage count, any mapped
 * service qualifies.
 */
export async function listInactiveAgreements(
  db: Queryable,
  psaConnectionId: string,
  refreshId: string,
  after: string,
): Promise<InactiveAgreement[]> {
  const { rows } = await db.execute<InactiveAgreement & Record<string, unknown>>(sql`
    with lined as materialized (
      -- One row for each account, so that it is joined and not searched again for each of its services.
      select a.data->>'account_id' as account_id, array_agg(distinct l.data->>'product_id') as products
        from staging_row l
        join staging_row a on a.run_id = l.run_id and a.entity = 'agreement' and a.id = l.data->>'agreement_id'
       where l.run_id = ${refreshId} and l.entity = 'agreement_line' and a.data->>'status' = 'active'
       group by 1
    ), wanting as materialized (
      select distinct m.psa_account_id
        from integration i
        join account_mapping m on m.integration_id = i.id
        join service_mapping s on s.integration_id = i.id
        left join lined l on l.account_id = m.psa_account_id
       where i.psa_connection_id = ${psaConnectionId} and i.disconnected_at is null
         and (exists (select from usage_count u
                       where u.integration_id = i.id and u.vendor_account_id = m.vendor_account_id
                         and u.service_id = s.service_id and u.quantity > 0)
              or not exists (select from usage_count u
                              where u.integration_id = i.id and u.vendor_account_id = m.vendor_account_id))
         and (l.account_id is null or case when s.fan_out = 'parts' then not s.product_ids <@ l.products
                                           else not s.product_ids && l.products end)
    )
    select a.id, a.data->>'name' as name, a.data->>'account_id' as "accountId", a.data->>'version' as version,
           coalesce(known.lines_version = a.data->>'version', false) as unchanged
      from staging_row a
      join wanting w on w.psa_account_id = a.data->>'account_id'
      left join agreement known on known.psa_connection_id = ${psaConnectionId} and known.id = a.id
     where a.run_id = ${refreshId} and a.entity = 'agreement' and a.data->>'status' <> 'active' and a.id > ${after}
     order by a.id`);
  return rows;
}

/**
 * Records the version at which these agreements' lines were read; lines that were not read now are kept as they are.
 */
export async function stageLinesVersion(
  tx: Transaction,
  refreshId: string,
  agreements: readonly InactiveAgreement[],
): Promise<void> {
  const ids = agreements.map(({ id }) => id);
  await tx
    .update(stagingRow)
    .set({ data: sql`data || jsonb_build_object('lines_version', data->'version')` })
    .where(and(eq(stagingRow.runId, refreshId), eq(stagingRow.entity, 'agreement'), among(stagingRow.id, ids)));
  const unchanged = agreements.filter((agreement) => agreement.unchanged);
  await stageRows(
    tx,
    refreshId,
    'unchanged_lines',
    unchanged.map(({ id }) => ({ id, data: { id } })),
  );
}
