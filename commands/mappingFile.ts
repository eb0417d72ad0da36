/** Mappings that a file changes, all of them or none. */
import type { Transaction } from '../db/client.ts';
import type { IntegrationRow } from '../db/queries/integration.ts';
import type { ToWake } from '../db/queries/onboarding.ts';
import type { MappingPlan } from '../domain/mappingFile.ts';
import { decideAccounts } from './accountMapping.ts';
import { decideServices } from './serviceMapping.ts';

/**
 * Changes what a plan says, as a person. The caller holds the integration's lock, and the plan was made under it.
 *
 * @returns whom to wake after the commit
 */
export async function applyMappings(
  tx: Transaction,
  row: IntegrationRow,
  actor: string,
  { changes }: MappingPlan,
): Promise<ToWake[]> {
  const via = 'file';
  const services = changes.filter((change) => change.kind === 'service');
  const accounts = changes.filter((change) => change.kind === 'account');
  if (services.length > 0)
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
