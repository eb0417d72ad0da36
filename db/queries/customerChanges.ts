/** Finds where customers that the vendor no longer lists have moved to. */
import { sql } from 'drizzle-orm';
import type { Transaction } from '../client.ts';

/**
 * Records the customers to which missing customers have moved. Mailprotector reports neither a merge nor a transfer: it
 * only stops listing the customer. But the customer's domains were counted by name, and if they are now counted for
 * other customers, the missing customer has moved to these.
 *
 * @param runId the run whose staged counts show where the domains are now
 * @returns for each missing customer that has moved, the customers it moved to; as vendor account ids
 */
export async function noteMoved(
  tx: Transaction,
  integrationId: string,
  runId: string,
  missing: readonly string[],
): Promise<Map<string, string[]>> {
  if (missing.length === 0) return new Map();
  const { rows } = await tx.execute<{ id: string; movedTo: string[] }>(sql`
    with had as (
      select distinct u.vendor_account_id as id, p->>'domain' as domain
        from usage_count u, jsonb_array_elements(u.parts) p
       where u.integration_id = ${integrationId}
         and u.vendor_account_id in (select jsonb_array_elements_text(${JSON.stringify(missing)}::jsonb))),
    has as (
      select distinct s.data->>'accountId' as id, p->>'domain' as domain
        from staging_row s, jsonb_array_elements(s.data->'parts') p
       where s.run_id = ${runId} and s.entity = 'count'),
    moved as (
      select had.id, array_agg(distinct has.id order by has.id) as to_ids
        from had join has using (domain) where has.id <> had.id group by had.id)
    update vendor_account a set moved_to = m.to_ids
      from moved m where a.integration_id = ${integrationId} and a.id = m.id
    returning a.id, a.moved_to as "movedTo"`);
  return new Map(rows.map(({ id, movedTo }) => [id, movedTo]));
}
