import { admitAlerts, canBeAdmitted, keepAlert, type PostedAlert } from '../db/queries/alerts.ts';
import { lockIntegration, type IntegrationRow } from '../db/queries/integration.ts';
import type { AlertState } from '../db/schema/index.ts';
import type { Transaction } from '../db/client.ts';
import { wakeAll, type ApiDependencies } from './context.ts';

/**
 * Keeps an alert and sets it going if it can go: what it waits for otherwise sets it going later.
 *
 * @returns the row's id; the alert is safe when this has returned
 */
export async function takeAlert(
  deps: ApiDependencies,
  integration: Pick<IntegrationRow, 'id' | 'organizationId'>,
  posted: PostedAlert,
): Promise<{ id: string; state: AlertState }> {
  const kept = await keepAlert(deps.db, integration, posted);
  const open = kept.state === 'parked' || kept.state === 'waiting';
  if (open && (await canBeAdmitted(deps.db, kept.id, deps.environment.ALERTS_IN_FLIGHT)))
    await commitAndAdmit(deps, integration.id, async () => undefined);
  return kept;
}

/** Commits a change that alerts of an integration may have waited for, and sets those going. */
export async function commitAndAdmit<T>(
  deps: ApiDependencies,
  integrationId: string,
  change: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const { result, admitted } = await deps.db.transaction(async (tx) => {
    // First, because `change` may write rows that refer to the integration: two that do would wait for each other.
    await lockIntegration(tx, integrationId);
    const changed = await change(tx);
    return { result: changed, admitted: await admitAlerts(tx, integrationId, deps.environment.ALERTS_IN_FLIGHT) };
  });
  wakeAll(deps, admitted);
  return result;
}
