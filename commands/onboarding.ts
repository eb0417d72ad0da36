/** Customers that appear after connect. */
import type { Transaction } from '../db/client.ts';
import type { IntegrationRow } from '../db/queries/integration.ts';
import { advanceMapped, listWaitingWithEqualNames, startSome } from '../db/queries/onboarding.ts';
import { mapEqualNames } from './accountMapping.ts';

/**
 * Starts some of the customers that were found, and maps those whose name has one equal partner by now. The caller holds
 * the integration's lock.
 *
 * @param remindMs milliseconds until whoever has to map one is reminded
 * @returns how many were started
 */
export async function startFound(
  tx: Transaction,
  row: IntegrationRow,
  of: { max: number; remindMs: number },
): Promise<number> {
  const started = await startSome(tx, row, of);
  const equal = await listWaitingWithEqualNames(tx, row);
  if (equal.length > 0) await mapEqualNames(tx, row, new Set(equal));
  // Of those that wait some were mapped just now, or while they were still to be started.
  await advanceMapped(tx, row.id);
  return started;
}
