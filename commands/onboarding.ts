/**
 * The onboarding of customers that appear after connect: begins, advances, reverts, reminds of and ends onboardings.
 */
import {
  onboardingId,
  onboardingProcess,
  startOnboardingsProcess,
  type OnboardingKey,
  type Wakeable,
} from '../domain/process/ids.ts';
import { isFinished, stepsOf } from '../domain/process/steps.ts';
import { reminderTimesOf, type ChosenReminders, type ReminderTimes } from '../domain/reminders.ts';
import { onboardingMoves } from '../domain/transitions.ts';
import type { Transaction } from '../db/client.ts';
import { recomputeCards } from '../db/queries/cards.ts';
import {
  addServices,
  findAccountMapping,
  findVendorAccount,
  linkVendorAccounts,
  lockIntegration,
  readIntegration,
  storeReminders,
  type IntegrationRow,
} from '../db/queries/integration.ts';
import {
  clearToWake,
  countReminder,
  insertFound,
  listInState,
  lockOpen,
  markCounted,
  markMapped,
  markStuck,
  moveOnboardings,
  markToWake,
  openStates,
  remindAnew,
  remindLater,
} from '../db/queries/onboarding.ts';
import { touchStarters } from '../db/queries/onboardingsToWake.ts';
import {
  blockStep,
  commitFact,
  commitFacts,
  createProcess,
  finishSteps,
  reopenSteps,
  type StepKey,
} from '../db/queries/process.ts';
import { listSteps } from '../db/queries/processView.ts';
import { dropStaged } from '../db/queries/staging.ts';
import { findCustomerRun, updateRun } from '../db/queries/sync.ts';
import {
  applyUsage,
  dropLowering,
  listStagedServices,
  listStagedUsage,
  listUsage,
  stageZeroes,
} from '../db/queries/usage.ts';
import type { FoundBy } from '../db/schema/index.ts';
import { guardUsage } from '../domain/swingGuard.ts';
import { audit, countersign, type Actor, type Command } from './actor.ts';

type Owned = Pick<IntegrationRow, 'id' | 'organizationId'>;

const kind = 'onboardCustomer';

/**
 * Begins the onboarding of customers about which no person has been asked: those that appeared after a person declared
 * the mapping of connect complete, and that are neither mapped nor excluded. They are linked from now on.
 *
 * @returns the processes to wake after the commit, like every function here
 */
export async function beginOnboardings(
  tx: Transaction,
  row: Owned,
  vendorAccountIds: readonly string[],
  found: { by: FoundBy; actor?: Actor },
): Promise<Wakeable[]> {
  if (vendorAccountIds.length === 0 || !(await isPastMapping(tx, row.id))) return [];
  const ids = await insertFound(tx, row, vendorAccountIds, found.by);
  if (ids.length === 0) return [];
  await linkVendorAccounts(tx, row.id, ids);
  // When a person's change began the onboardings, the audit row of that change already records it.
  if (found.by !== 'person') {
    await audit(
      tx,
      found.actor ?? countersign(row),
      ids.map((id) => ({
        action: 'customer.found',
        subjectKind: 'vendor_account',
        subjectId: `${row.id}/${id}`,
        after: { by: found.by },
      })),
    );
  }
  return askToStart(tx, row);
}

/**
 * Tells whether a person has declared the mapping of connect complete: nobody has been asked about a customer that
 * appears after that.
 */
async function isPastMapping(tx: Transaction, integrationId: string): Promise<boolean> {
  const steps = await listSteps(tx, { kind: 'connect', id: integrationId });
  const mapping = steps.find(({ step }) => step === 'mapAccounts');
  return mapping !== undefined && isFinished(mapping.state);
}

/** Commits a fact for the process that starts onboardings and wakes those that have something to do. */
async function askToStart(tx: Transaction, row: Owned): Promise<Wakeable[]> {
  const starter = startOnboardingsProcess(row);
  await createProcess(tx, row.organizationId, starter);
  await commitFact(tx, starter);
  return [starter];
}

/** Advances the onboardings that wait for a mapping and whose customer is mapped by now. */
export async function advanceMapped(tx: Transaction, integrationId: string): Promise<void> {
  await finishFor(tx, integrationId, await markMapped(tx, integrationId), ['mapCustomer']);
  await finishFor(tx, integrationId, await markCounted(tx, integrationId), ['counts']);
}

/**
 * With the intake push: advances the onboardings whose counts have come and are visible. Runs in the transaction that
 * made the counts visible.
 */
export async function advanceCounted(tx: Transaction, row: Owned): Promise<Wakeable[]> {
  const counted = await markCounted(tx, row.id);
  await finishFor(tx, row.id, counted, ['counts']);
  return counted.length > 0 ? askToStart(tx, row) : [];
}

/** Finishes steps of several onboardings, and makes their processes look again. */
async function finishFor(
  tx: Transaction,
  integrationId: string,
  vendorAccountIds: readonly string[],
  steps: readonly string[],
  state: 'done' | 'skipped' = 'done',
): Promise<void> {
  if (vendorAccountIds.length === 0) return;
  const ids = vendorAccountIds.map((vendorAccountId) => onboardingId({ integrationId, vendorAccountId }));
  await finishSteps(tx, { kind, ids, steps, state });
  await commitFacts(tx, { kind, ids });
}

/**
 * Makes a customer's onboarding, if there is one, follow a change that mapped, unmapped or excluded the customer. Part
 * of the change's own transaction.
 */
export async function settleOnboarding(tx: Transaction, row: Owned, vendorAccountId: string): Promise<Wakeable[]> {
  const key = { integrationId: row.id, vendorAccountId };
  const state = await lockOpen(tx, key);
  if (!state) return [];
  const account = await findVendorAccount(tx, row.id, vendorAccountId);
  if (account?.excluded) return endOnboardings(tx, row, 'excluded', [vendorAccountId]);
  // An onboarding that has not started yet reads the mapping when it starts.
  if (state === 'found') return [];
  const ref = onboardingProcess(row, vendorAccountId);
  if (await findAccountMapping(tx, row.id, vendorAccountId)) {
    await advanceMapped(tx, row.id);
    await clearToWake(tx, key);
    return [ref];
  }
  return (await reopenUnmapped(tx, row, [vendorAccountId], { toWake: false })) ? [ref] : [];
}

/** Does the same for many customers at once. Their onboardings go on in batches. */
export async function settleOnboardings(
  tx: Transaction,
  row: Owned,
  { mapped, unmapped, excluded }: Record<'mapped' | 'unmapped' | 'excluded', readonly string[]>,
): Promise<Wakeable[]> {
  const ended = excluded.length > 0 ? await endOnboardings(tx, row, 'excluded', excluded) : [];
  const waits =
    (unmapped.length > 0 && (await reopenUnmapped(tx, row, unmapped, { toWake: true }))) ||
    (mapped.length > 0 && (await listInState(tx, row.id, openStates, { ids: mapped, max: 1 })).length > 0);
  return waits ? [...ended, ...(await askToStart(tx, row))] : ended;
}

/**
 * Makes onboardings that were under way wait for a person again: their customers' mappings were removed, which also
 * refuses the match by name.
 *
 * @param toWake whether `startOnboardings` has to wake them
 * @returns whether there were any
 */
async function reopenUnmapped(
  tx: Transaction,
  { id: integrationId }: Owned,
  ids: readonly string[],
  { toWake }: { toWake: boolean },
): Promise<boolean> {
  const reopened = await moveOnboardings(tx, integrationId, { ids, move: onboardingMoves.unmap, toWake });
  const processes = reopened.map((vendorAccountId) => onboardingId({ integrationId, vendorAccountId }));
  await reopenSteps(tx, { kind, ids: processes, round: '1', steps: ['mapCustomer'] });
  await commitFacts(tx, { kind, ids: processes });
  return reopened.length > 0;
}

/**
 * Ends onboardings early, because nothing is left for them to do.
 *
 * @param ids the vendor's ids; absent = all onboardings of the integration
 */
export async function endOnboardings(
  tx: Transaction,
  row: Owned,
  state: 'excluded' | 'gone' | 'disconnected',
  ids?: readonly string[],
): Promise<Wakeable[]> {
  const of = { ...(ids && { ids }), move: onboardingMoves[state], toWake: true };
  const ended = await moveOnboardings(tx, row.id, of);
  await finishFor(tx, row.id, ended, stepsOf.onboardCustomer, 'skipped');
  return ended.length > 0 ? askToStart(tx, row) : [];
}

/** Begins again the onboardings that ended because the integration was disconnected. */
export async function resumeOnboardings(tx: Transaction, row: Owned): Promise<Wakeable[]> {
  return beginOnboardings(tx, row, await listInState(tx, row.id, ['disconnected']), { by: 'person' });
}

/**
 * Asks for another search for equal names, because names of PSA accounts or customers have changed: some waiting
 * customers may match now.
 */
export async function askToMatch(tx: Transaction, of: Parameters<typeof touchStarters>[1]): Promise<Wakeable[]> {
  return (await touchStarters(tx, of)).map(startOnboardingsProcess);
}

/** Makes onboardings that are blocked, or wait for the end of a pause, go on: new credentials may free them. */
export async function reopenStuckOnboardings(tx: Transaction, row: Owned): Promise<Wakeable[]> {
  const stuck = await markStuck(tx, row.id);
  await finishFor(tx, row.id, stuck, []);
  return stuck.length > 0 ? askToStart(tx, row) : [];
}

/**
 * Notes that nobody has mapped the customer yet and sets the next reminder; in the end, blocks the step.
 *
 * @param step `mapCustomer` of the customer's process
 * @returns whether it is a problem by now; undefined when no reminder is needed any more
 */
export async function remindOfOnboarding(
  tx: Transaction,
  step: StepKey,
  key: OnboardingKey,
  times: ReminderTimes,
): Promise<{ escalated: boolean } | undefined> {
  const reminded = await countReminder(tx, key, times);
  if (!reminded) return undefined;
  await remindLater(tx, key.integrationId, [key.vendorAccountId], times);
  if (reminded.escalatedNow) {
    await blockStep(tx, step, { code: 'not_mapped' });
    const subject = { subjectKind: 'vendor_account', subjectId: step.id };
    await audit(tx, countersign(reminded), { action: 'customer.escalated', ...subject });
  }
  return reminded;
}

/**
 * Chooses when somebody is reminded of an integration's new customers, and when their missing mapping becomes a problem. It
 * holds for those that wait already, too; what is a problem stays one.
 *
 * @param input.chosen null = as the installation's settings say
 * @param input.preset the installation's settings
 */
export const chooseReminders: Command<{
  integration: Owned;
  chosen: ChosenReminders | null;
  preset: Parameters<typeof reminderTimesOf>[1];
}> = async (tx, actor, { integration, chosen, preset }) => {
  const { reminders: before } = (await lockIntegration(tx, integration.id)) ?? { reminders: null };
  await storeReminders(tx, integration.id, chosen);
  const subject = { subjectKind: 'integration', subjectId: integration.id };
  await audit(tx, actor, { action: 'reminders.put', ...subject, before, after: chosen });
  const moved = await remindAnew(tx, integration.id, reminderTimesOf({ reminders: chosen }, preset));
  if (moved.length === 0) return { toWake: [] };
  await markToWake(tx, integration.id, moved);
  await finishFor(tx, integration.id, moved, []);
  return { toWake: await askToStart(tx, integration) };
};

/**
 * Makes the customer's counts visible and computes its cards, in one transaction (invariant 1): the customer is
 * onboarded.
 */
export async function showCustomer(tx: Transaction, key: OnboardingKey): Promise<void> {
  const { integrationId, vendorAccountId } = key;
  const integration = await readIntegration(tx, integrationId);
  const { psaConnectionId, settings } = integration;
  const run = await findCustomerRun(tx, key);
  if (run) {
    if (run.incomplete) await dropLowering(tx, integrationId, run.id);
    const previous = await listUsage(tx, integrationId, vendorAccountId);
    const next = await listStagedUsage(tx, run.id);
    const { heldPairs } = guardUsage({ previous, next, settings: settings['swing'], firstRun: previous.length === 0 });
    if (!run.incomplete) await stageZeroes(tx, integrationId, run.id, []);
    await addServices(tx, integrationId, await listStagedServices(tx, run.id));
    await applyUsage(tx, integrationId, run.id, heldPairs);
    await updateRun(tx, run.id, { state: 'applied', finished: true });
    await dropStaged(tx, run.id);
  }
  const mapping = await findAccountMapping(tx, integrationId, vendorAccountId);
  if (mapping) await recomputeCards(tx, psaConnectionId, [mapping.psaAccountId]);
  await moveOnboardings(tx, integrationId, { ids: [vendorAccountId], move: onboardingMoves.complete });
  const subject = { subjectKind: 'vendor_account', subjectId: onboardingId(key) };
  const after = { psaAccountId: mapping?.psaAccountId ?? null, runId: run?.id ?? null };
  await audit(tx, countersign(integration), { action: 'customer.onboarded', ...subject, after });
}
