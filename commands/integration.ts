/** Connects a vendor, and changes an integration: its access, its customers, its intake, its schedule, its end. */
import type { Queryable, Transaction } from '../db/client.ts';
import type { AlertReason } from '../domain/alerts.ts';
import { dismissUndelivered } from '../db/queries/alerts.ts';
import { recomputeIntegration } from '../db/queries/cards.ts';
import {
  disconnectIntegration,
  insertIntegration,
  linkVendorAccounts,
  listUnlinked,
  lockIntegration,
  restoreIntegration,
  storeVendorCredentials,
  type IntegrationRow,
} from '../db/queries/integration.ts';
import { completeMigrationStep, isMigrating } from '../db/queries/migration.ts';
import {
  commitFact,
  completeByFact,
  endProcess,
  finishStep,
  redoSteps,
  reopenBlocked,
  reopenSteps,
} from '../db/queries/process.ts';
import { isStepDone, listSteps } from '../db/queries/processView.ts';
import { hasKeyInForce, revokeIntegrationKeys, storeIntake } from '../db/queries/push.ts';
import { findSchedule, storeSchedule } from '../db/queries/schedule.ts';
import { dropStaged } from '../db/queries/staging.ts';
import { endRuns, insertSyncRequest } from '../db/queries/sync.ts';
import { listed } from '../domain/listed.ts';
import {
  connectProcess,
  deliveryProcess,
  migrationProcess,
  syncProcess,
  type Wakeable,
} from '../domain/process/ids.ts';
import { reconnectSteps } from '../domain/process/steps.ts';
import { calendarsOf, isTimeZone, ScheduleError, type Schedule } from '../domain/schedule.ts';
import { audit, type Actor, type Command } from './actor.ts';
import { endPause } from './endPause.ts';
import { issueKey } from './integrationKey.ts';
import { beginOnboardings, endOnboardings, reopenStuckOnboardings, resumeOnboardings } from './onboarding.ts';
import { Refusal } from './refusal.ts';

type Owned = Pick<IntegrationRow, 'id' | 'organizationId'>;

const subjectOf = ({ id }: Owned) => ({ subjectKind: 'integration', subjectId: id });

/**
 * Connects a vendor: the connect process begins.
 *
 * @param input.services the services that the vendor is known to bill
 * @returns `key` for a vendor that pushes: shown only this once
 */
export const connectVendor: Command<
  Omit<Parameters<typeof insertIntegration>[2], 'settings'>,
  { integration: IntegrationRow; key?: string }
> = async (tx, actor, input) => {
  const { vendor, intake, modules } = input;
  const integration = await insertIntegration(tx, actor.organizationId, { ...input, settings: {} });
  const after = { vendor, intake, modules };
  await audit(tx, actor, { action: 'integration.create', ...subjectOf(integration), after });
  return { integration, ...(await keyOf(tx, actor, integration)), toWake: [connectProcess(integration)] };
};

async function keyOf(tx: Transaction, actor: Actor, integration: IntegrationRow): Promise<{ key?: string }> {
  return integration.intake === 'push' ? { key: (await issueKey(tx, actor, { integration, overlapMs: 0 })).key } : {};
}

/**
 * Stores the vendor's credentials: they are tried at once, steps that were blocked without them try again, and a pause
 * is over. For a vendor that pushes, the credentials are for a later switch of the intake.
 *
 * @param input.credentials encrypted for the integration
 * @param input.expireOn the day on which the credentials expire, YYYY-MM-DD; null = not known
 * @param input.settings the settings to change; absent settings stay as they are
 * @throws Refusal while the integration of a vendor that pushes is still being connected
 */
export const giveVendorCredentials: Command<{
  integration: IntegrationRow;
  credentials: string;
  expireOn: string | null;
  settings: Record<string, unknown> & { resellerId: unknown };
}> = async (tx, actor, input) => {
  const { integration, ...given } = input;
  const { id, intake } = integration;
  if (intake === 'push') await refuseUnconnected(tx, integration);
  await storeVendorCredentials(tx, id, given);
  const connect = { ...connectProcess(integration), round: '1' };
  if (intake === 'push') await reopenSteps(tx, { ...connect, steps: ['credentials', 'verifyCredentials'] });
  await finishStep(tx, { ...connect, step: 'credentials' });
  const processes = [connectProcess(integration), syncProcess(integration)];
  for (const processRef of processes) {
    await reopenBlocked(tx, processRef);
    await commitFact(tx, processRef);
  }
  const stuck = await reopenStuckOnboardings(tx, integration);
  await endPause(tx, actor, { of: 'vendor', id });
  const after = { resellerId: given.settings.resellerId };
  await audit(tx, actor, { action: 'integration.credentials', ...subjectOf(integration), after });
  return { toWake: [...processes, ...stuck] };
};

/**
 * Links customers: their usage is read from now on.
 *
 * @param input.wanted the vendor's own ids
 * @returns how many of them are linked now
 * @throws Refusal while no customer was read, when a customer is not known, or when none is given
 */
export const linkCustomers: Command<
  { integration: IntegrationRow; wanted: readonly string[] | 'all' },
  { linked: number }
> = async (tx, actor, { integration, wanted }) => {
  await refuseUnread(tx, integration);
  const linkers = await linkersOf(tx, integration);
  const fresh = await listUnlinked(tx, integration.id, wanted);
  const ids = await linkVendorAccounts(tx, integration.id, wanted);
  const known = new Set(ids);
  const unknown = wanted === 'all' ? [] : wanted.filter((id) => !known.has(id));
  if (unknown.length > 0)
    throw new Refusal(
      'impossible',
      'unknown-customers',
      `These customers are not known: ${listed(unknown)}. Nothing was linked.`,
    );
  const linked = ids.length;
  if (linked === 0) throw new Refusal('impossible', 'no-customers', 'The vendor has no customers to link.');
  await completeByFact(tx, { ...connectProcess(integration), round: '1', step: 'linkCustomers' });
  await completeMigrationStep(tx, integration.id, 'linkCustomers');
  await audit(tx, actor, { action: 'customers.link', ...subjectOf(integration), after: { linked } });
  // After connect no step asks what the newly linked customers are mapped to, so an onboarding asks for each of them
  // now.
  const begun = await beginOnboardings(tx, integration, fresh, { by: 'person' });
  return { linked, toWake: [...linkers, ...begun] };
};

/** Returns the processes in which customers are linked: connect, and a migration that is under way. */
export async function linkersOf(db: Queryable, row: Owned): Promise<Wakeable[]> {
  return [connectProcess(row), ...((await isMigrating(db, row.id)) ? [migrationProcess(row)] : [])];
}

/**
 * Changes the intake; setting the current intake changes nothing.
 *
 * @throws Refusal while the integration is being connected, or when Countersign cannot read from the vendor
 */
export const changeIntake: Command<{ integration: IntegrationRow; intake: 'push' | 'pull' }> = async (
  tx,
  actor,
  { integration, intake },
) => {
  if (intake === integration.intake) return { toWake: [] };
  await refuseUnconnected(tx, integration);
  if (intake === 'pull' && !(await isStepDone(tx, connectProcess(integration), 'verifyCredentials')))
    throw new Refusal(
      'conflict',
      'not-verified',
      "Countersign cannot read from the vendor yet. Give the vendor's credentials first, and wait until they have been tried.",
    );
  await storeIntake(tx, integration.id, intake);
  await changeIntakeSteps(tx, integration, intake);
  await recomputeIntegration(tx, integration.id);
  await insertSyncRequest(tx, integration.id, { requestedBy: actor.name });
  const toWake = [connectProcess(integration), syncProcess(integration)];
  for (const processRef of toWake) await commitFact(tx, processRef);
  const moved = { before: { intake: integration.intake }, after: { intake } };
  await audit(tx, actor, { action: 'integration.intake', ...subjectOf(integration), ...moved });
  return { toWake };
};

/**
 * A vendor that pushes must have a key and have accepted it: `connect` waits for the missing part, and shows that it
 * waits.
 */
async function changeIntakeSteps(tx: Transaction, row: IntegrationRow, intake: 'push' | 'pull'): Promise<void> {
  const connect = { ...connectProcess(row), round: '1' };
  if (intake === 'pull') {
    for (const step of ['issueKey', 'enable']) await finishStep(tx, { ...connect, step }, 'skipped');
    return;
  }
  await reopenSteps(tx, { ...connect, steps: ['issueKey', 'enable'] });
  if (await hasKeyInForce(tx, row.id)) await finishStep(tx, { ...connect, step: 'issueKey' });
  if (row.pushStatus === 'pending' || row.pushStatus === 'active') await finishStep(tx, { ...connect, step: 'enable' });
}

/**
 * Chooses when the integration syncs by itself. The sweep makes the choice a Temporal Schedule, within a minute.
 *
 * @throws Refusal for an unknown time zone or an invalid cron expression
 */
export const chooseSchedule: Command<{ integration: Owned; schedule: Schedule }> = async (
  tx,
  actor,
  { integration, schedule },
) => {
  if (!isTimeZone(schedule.timeZone))
    throw new Refusal(
      'impossible',
      'unknown-time-zone',
      `There is no time zone "${schedule.timeZone}". Give one as "Europe/Berlin".`,
    );
  refuseBadCron(schedule);
  const before = (await findSchedule(tx, integration.id)) ?? null;
  await storeSchedule(tx, integration.id, schedule);
  await audit(tx, actor, { action: 'schedule.put', ...subjectOf(integration), before, after: schedule });
  return { toWake: [] };
};

function refuseBadCron({ choice }: Schedule): void {
  try {
    calendarsOf(choice);
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error;
    const { message } = error;
    throw new Refusal('impossible', 'bad-cron', message, [{ field: 'choice.cron', message }]);
  }
}

/**
 * Stops reading and reconciling, and deletes the credentials. Decisions of persons are kept, so that reconnecting can
 * restore all of them. An integration that is disconnected already stays as it is.
 */
export const disconnectVendor: Command<{ integration: IntegrationRow }> = async (tx, actor, { integration }) => {
  const { id } = integration;
  await lockIntegration(tx, id);
  const toWake = [...(await linkersOf(tx, integration)), syncProcess(integration)];
  if (!(await disconnectIntegration(tx, id))) return { toWake };
  await endProcess(tx, syncProcess(integration));
  await endProcess(tx, migrationProcess(integration));
  const detail = 'The integration was disconnected before anybody was told of it.';
  toWake.push(...(await endAlerts(tx, integration, { code: 'disconnected', detail })));
  toWake.push(...(await endOnboardings(tx, integration, 'disconnected')));
  for (const runId of await endRuns(tx, id)) await dropStaged(tx, runId);
  await endProcess(tx, connectProcess(integration));
  await revokeIntegrationKeys(tx, id);
  await recomputeIntegration(tx, id);
  await audit(tx, actor, { action: 'integration.disconnect', ...subjectOf(integration) });
  return { toWake };
};

/**
 * Dismisses the alerts that were never delivered. @returns the deliveries among them that were under way, to wake them
 */
export async function endAlerts(tx: Transaction, integration: Owned, reason: AlertReason): Promise<Wakeable[]> {
  const of = { organizationId: integration.organizationId, integrationId: integration.id };
  const ended = (await dismissUndelivered(tx, integration.id, reason)).map((id) => deliveryProcess({ id, ...of }));
  for (const processRef of ended) await endProcess(tx, processRef);
  return ended;
}

/**
 * Reconnects a disconnected integration, with its mappings; the vendor's access is asked for anew.
 *
 * @returns `key` for a vendor that pushes: shown only this once
 * @throws Refusal when the integration is connected
 */
export const reconnectVendor: Command<{ id: string }, { key?: string }> = async (tx, actor, { id }) => {
  const integration = await lockIntegration(tx, id);
  if (!integration?.disconnectedAt)
    throw new Refusal('conflict', 'not-disconnected', 'This integration is connected: nothing was changed.');
  await restoreIntegration(tx, id);
  const connect = connectProcess(integration);
  const hasBoard = integration.alerts.board !== undefined;
  const steps = reconnectSteps({ ...integration, hasBoard }, await listSteps(tx, connect));
  await redoSteps(tx, { ...connect, round: '1', steps });
  await audit(tx, actor, { action: 'integration.reconnect', ...subjectOf(integration), after: { steps } });
  const key = await keyOf(tx, actor, integration);
  const resumed = await resumeOnboardings(tx, integration);
  await recomputeIntegration(tx, id);
  return { ...key, toWake: [connect, ...resumed] };
};

/**
 * @throws Refusal while the integration is being connected: until then it follows the intake that was chosen at the
 *   start
 */
export async function refuseUnconnected(db: Queryable, row: Owned): Promise<void> {
  if (await isStepDone(db, connectProcess(row), 'finish')) return;
  throw new Refusal(
    'conflict',
    'not-connected-yet',
    'This integration is still being connected the way that was chosen. Finish that first, or disconnect it and choose again.',
  );
}

/** @throws Refusal until the customers have been read from the vendor */
export async function refuseUnread(db: Queryable, row: Owned): Promise<void> {
  if (await isStepDone(db, connectProcess(row), 'verifyCredentials')) return;
  throw new Refusal(
    'conflict',
    'not-read-yet',
    'The customers have not been read from the vendor yet. Look at the integration to see what it waits for.',
  );
}
