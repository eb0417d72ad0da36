/** Starts the onboarding of customers that were found, in batches. */
import { onboardingId } from '../domain/process/ids.ts';
import { skippedOnboardingSteps } from '../domain/process/steps.ts';
import type { Transaction } from '../db/client.ts';
import type { IntegrationRow } from '../db/queries/integration.ts';
import { listInState, listWaitingWithEqualNames, moveOnboardings, remindLater } from '../db/queries/onboarding.ts';
import { beginRounds } from '../db/queries/process.ts';
import type { ReminderTimes } from '../domain/reminders.ts';
import { onboardingMoves } from '../domain/transitions.ts';
import { mapEqualNames } from './accountMapping.ts';
import { advanceMapped } from './onboarding.ts';

/**
 * Starts some of the customers that were found, and maps those whose name has exactly one equal partner by now. The
 * caller holds the integration's lock.
 *
 * @returns how many were started
 */
export async function startFound(
  tx: Transaction,
  row: IntegrationRow,
  { max, times }: { max: number; times: ReminderTimes },
): Promise<number> {
  const found = await listInState(tx, row.id, ['found'], { max });
  if (found.length > 0) await start(tx, row, found, times);
  const equal = await listWaitingWithEqualNames(tx, row);
  if (equal.length > 0) await mapEqualNames(tx, row, new Set(equal));
  // Some waiting customers were mapped just now, or before their onboarding started.
  await advanceMapped(tx, row.id);
  return found.length;
}

/** Begins the processes of these customers, in their first round or again. */
async function start(
  tx: Transaction,
  row: IntegrationRow,
  vendorAccountIds: readonly string[],
  times: ReminderTimes,
): Promise<void> {
  const processes = vendorAccountIds.map((vendorAccountId) => ({
    id: onboardingId({ integrationId: row.id, vendorAccountId }),
    about: `vendor account ${vendorAccountId}`,
  }));
  const skipped = skippedOnboardingSteps(row.intake).map((step) => [step, 'skipped'] as const);
  await beginRounds(tx, {
    kind: 'onboardCustomer',
    organizationId: row.organizationId,
    integrationId: row.id,
    round: '1',
    dueInMs: Math.min(times.remindMs, times.escalateMs),
    states: { detect: 'done', ...Object.fromEntries(skipped) },
    processes,
  });
  await remindLater(tx, row.id, vendorAccountIds, times);
  await moveOnboardings(tx, row.id, { ids: vendorAccountIds, move: onboardingMoves.start, toWake: true });
}
