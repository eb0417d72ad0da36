/** Customers that the vendor added, renamed, merged, moved or removed, each a case of its own. */
import type { Wakeable } from '../../domain/process/ids.ts';
import { sql } from 'drizzle-orm';
import type { Transaction } from '../client.ts';
import { byCountersign, recordAudits } from './audit.ts';
import type { AccountChanges, IntegrationRow } from './integration.ts';
import { askToMatch, beginOnboardings, endOnboardings } from './onboarding.ts';

/**
 * What follows from a complete list: a new customer is onboarded, and so is one that is there again and was never mapped; a
 * renamed one keeps its mapping, and may now match by name; one that is gone keeps its mapping too, and its numbers are
 * what `stageZeroes` makes of them: a zero for a person to review.
 *
 * @param runId the run whose staged counts tell where the domains of a missing customer are now; null = nothing was counted
 * @returns whom to wake after the commit
 */
export async function noteCustomerChanges(
  tx: Transaction,
  row: Pick<IntegrationRow, 'id' | 'organizationId'>,
  runId: string | null,
  changes: AccountChanges,
): Promise<Wakeable[]> {
  const movedTo: Map<string, string[]> =
    runId === null ? new Map() : await noteMoved(tx, row.id, runId, changes.missing);
  const entry = (action: string, id: string, more: { before?: unknown; after?: unknown }) => ({
    actor: byCountersign,
    action,
    subjectKind: 'vendor_account',
    subjectId: `${row.id}/${id}`,
    ...more,
  });
  await recordAudits(tx, row.organizationId, [
    ...changes.renamed.map(({ id, before, after }) =>
      entry('customer.renamed', id, { before: { name: before }, after: { name: after } }),
    ),
    ...changes.returned.map((id) => entry('customer.returned', id, {})),
    ...changes.missing.map((id) => entry('customer.removed', id, { after: { movedTo: movedTo.get(id) ?? [] } })),
  ]);
  const begun = await beginOnboardings(
    tx,
    row,
    [...changes.added, ...(await wereAsked(tx, row.id, changes.returned))],
    {
      by: 'sync',
    },
  );
  const ended = await endOnboardings(tx, row, 'gone', changes.missing);
  const matching = changes.renamed.length > 0 ? await askToMatch(tx, { integrationId: row.id }) : [];
  // It is the same process that starts, ends and matches.
  return [...begun, ...ended, ...matching].slice(0, 1);
}

/** Of those that are there again, the ones whose onboarding ended because they were gone. */
async function wereAsked(tx: Transaction, integrationId: string, returned: readonly string[]): Promise<string[]> {
  if (returned.length === 0) return [];
  const { rows } = await tx.execute<{ id: string }>(sql`
    select vendor_account_id as id from onboarding
     where integration_id = ${integrationId} and state = 'gone'
       and vendor_account_id in (select jsonb_array_elements_text(${JSON.stringify(returned)}::jsonb))`);
  return rows.map(({ id }) => id);
}

/**
 * Mailprotector tells neither of a merge nor of a transfer: a customer is not listed any more. But its domains were counted
 * by name, and if they are counted at others now, it went there.
 */
async function noteMoved(
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
