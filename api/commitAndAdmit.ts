import { changeAndAdmit } from '../commands/alertAdmission.ts';
import { transactAgain, type Transaction } from '../db/client.ts';
import type { IntegrationRow } from '../db/queries/integration.ts';
import type { Wakeable } from '../domain/process/ids.ts';
import { wakeAll, type ApiDependencies } from './context.ts';

/**
 * Commits a change for which alerts of an integration may have waited, starts the delivery of these alerts, and wakes the
 * other processes that the change concerns.
 *
 * @param change gets the locked integration, and must not lock it again
 */
export async function commitAndAdmit<T extends { toWake: readonly Wakeable[] }>(
  deps: ApiDependencies,
  integrationId: string,
  change: (tx: Transaction, integration: IntegrationRow) => Promise<T>,
): Promise<T> {
  const admission = { integrationId, slots: deps.environment.ALERTS_IN_FLIGHT };
  const { changed, toWake } = await transactAgain(deps.db, (tx) =>
    changeAndAdmit(tx, admission, (row) => change(tx, row)),
  );
  wakeAll(deps, [...changed.toWake, ...toWake]);
  return changed;
}
