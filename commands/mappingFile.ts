/** Mappings that a file changes, all of them or none. */
import type { Wakeable } from '../domain/process/ids.ts';
import type { Transaction } from '../db/client.ts';
import { lastAuditId, listAuditSince } from '../db/queries/audit.ts';
import type { IntegrationRow } from '../db/queries/integration.ts';
import { listed } from '../domain/listed.ts';
import { mappingOf, type MappingPlan } from '../domain/mappingFile.ts';
import { decideAccounts } from './accountMapping.ts';
import { Refusal } from './refusal.ts';
import { versionOf, whoIs } from './seen.ts';
import { decideServices } from './serviceMapping.ts';

/** What a dry run has shown: every change, from what to what; and when that was, to know later who came between. */
export async function planVersion(tx: Transaction, row: IntegrationRow, plan: MappingPlan): Promise<string> {
  return `${changesVersion(plan)}.${await lastAuditId(tx, row.organizationId)}`;
}

function changesVersion({ changes }: MappingPlan): string {
  return versionOf(
    changes.map((change) =>
      change.kind === 'account'
        ? [change.id, change.before.excluded, change.before.psaAccountId, change.excluded, change.psaAccountId]
        : [change.id, mappingOf(change.before), change.mapping],
    ),
  );
}

/**
 * Changes what a plan says, as a person. The caller holds the integration's lock, and the plan was made under it.
 *
 * @param seen the `planVersion` of the dry run
 * @returns whom to wake after the commit
 * @throws Refusal when the plan is not what the dry run has shown
 */
export async function applyMappings(
  tx: Transaction,
  row: IntegrationRow,
  actor: string,
  plan: MappingPlan,
  seen: string,
): Promise<Wakeable[]> {
  const [changes, since] = seen.split('.');
  if (changes !== changesVersion(plan))
    throw new Refusal(
      'conflict',
      'changed-meanwhile',
      `The file would not change what its dry run has shown${await whoChanged(tx, row, Number(since))}. Nothing was changed. Look at another dry run first.`,
    );
  const via = 'file';
  const services = plan.changes.filter((change) => change.kind === 'service');
  const accounts = plan.changes.filter((change) => change.kind === 'account');
  await decideServices(
    tx,
    row,
    { actor, via },
    services.map(({ id, mapping }) => ({ serviceId: id, mapping })),
  );
  return decideAccounts(
    tx,
    row,
    { actor, how: 'person', via },
    accounts.map(({ id, excluded, psaAccountId }) => ({ vendorAccountId: id, excluded, psaAccountId })),
  );
}

/** As many as a person reads. */
const maxNamed = 3;

async function whoChanged(tx: Transaction, row: IntegrationRow, since: number): Promise<string> {
  if (!Number.isSafeInteger(since)) return '';
  const entries = await listAuditSince(tx, row.organizationId, {
    since,
    kinds: ['vendor_account', 'service'],
    under: `${row.id}/`,
  });
  if (entries.length === 0) return '';
  const names = new Map<string, string>();
  for (const { actor } of entries) if (!names.has(actor)) names.set(actor, await whoIs(tx, actor));
  const words = entries.map(
    ({ actor, action, subjectId, at }) =>
      `${names.get(actor)} did ${action} of ${subjectId.slice(row.id.length + 1)} at ${at.toISOString()}`,
  );
  return `: meanwhile ${listed(words, maxNamed)}`;
}
