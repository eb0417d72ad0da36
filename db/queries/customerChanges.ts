/** Where the customers went that the vendor lists no more. */
import { sql } from 'drizzle-orm';
import type { Transaction } from '../client.ts';

/**
 * Mailprotector tells neither of a merge nor of a transfer: a customer is not listed any more. But its domains were counted
 * by name, and if they are counted at others now, it went there.
 *
 * @param runId the run whose staged counts tell where the domains are now
 * @returns for each of them that went somewhere, where to; vendor's ids
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
