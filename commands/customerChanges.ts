/** Handles customers that the vendor added, renamed, merged, moved or removed, each case separately. */
import type { Wakeable } from '../domain/process/ids.ts';
import type { Transaction } from '../db/client.ts';
import { noteMoved } from '../db/queries/customerChanges.ts';
import type { AccountChanges, IntegrationRow } from '../db/queries/integration.ts';
import { listInState } from '../db/queries/onboarding.ts';
import { audit, countersign } from './actor.ts';
import { askToMatch, beginOnboardings, endOnboardings } from './onboarding.ts';

/**
 * Applies the consequences of a complete list. A new customer is onboarded, and so is a customer that has reappeared
 * and was never mapped. A renamed customer keeps its mapping, and may now match by name. A customer that is gone keeps
 * its mapping too, and `stageZeroes` sets its counts: a zero for a person to review.
 *
 * @param runId the run whose staged counts show to which customer the domains of a missing customer belong now; null =
 *   nothing was counted
 * @returns the processes to wake after the commit
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
    action,
    subjectKind: 'vendor_account',
    subjectId: `${row.id}/${id}`,
    ...more,
  });
  await audit(tx, countersign(row), [
    ...changes.renamed.map(({ id, before, after }) =>
      entry('customer.renamed', id, { before: { name: before }, after: { name: after } }),
    ),
    ...changes.returned.map((id) => entry('customer.returned', id, {})),
    ...changes.missing.map((id) => entry('customer.removed', id, { after: { movedTo: movedTo.get(id) ?? [] } })),
  ]);
  const cameBack = await listInState(tx, row.id, ['gone'], { ids: changes.returned });
  const begun = await beginOnboardings(tx, row, [...changes.added, ...cameBack], { by: 'sync' });
  const ended = await endOnboardings(tx, row, 'gone', changes.missing);
  const matching = changes.renamed.length > 0 ? await askToMatch(tx, { integrationId: row.id }) : [];
  // Starting, ending and matching are all done by the same process, so one wake is enough.
  return [...begun, ...ended, ...matching].slice(0, 1);
}
