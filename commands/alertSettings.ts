/**
 * Settings that decide how an integration's alerts become tickets: the permissions, the board, the texts and the rules.
 */
import type { Queryable, Transaction } from '../db/client.ts';
import { retryRefusedForAll } from '../db/queries/alerts.ts';
import { lockIntegration, storeAlertSettings, type IntegrationRow } from '../db/queries/integration.ts';
import { completeMigrationStep } from '../db/queries/migration.ts';
import { commitFact, completeByFact, ownerOf, reopenSteps } from '../db/queries/process.ts';
import { listSteps } from '../db/queries/processView.ts';
import { readPsaConnection } from '../db/queries/psaConnection.ts';
import { alertSettingsOf, completeBoard, overlay, type AlertSettings } from '../domain/alerts.ts';
import { connectProcess, migrationProcess, type Wakeable } from '../domain/process/ids.ts';
import { audit, type Actor, type Command } from './actor.ts';
import { admitAlerts } from './alertAdmission.ts';
import { endPause } from './endPause.ts';
import { Refusal } from './refusal.ts';

type Given<T> = { [K in keyof T]?: T[K] | undefined };

/** The settings to change; absent settings stay as they are. */
type GivenSettings = Given<Omit<AlertSettings, 'board' | 'storm' | 'rules'>> & {
  storm?: Given<AlertSettings['storm']> | undefined;
  rules?: Given<AlertSettings['rules']> | undefined;
};

interface OfAlerts {
  integration: IntegrationRow;
  /** The most deliveries of one integration that may be under way at once. */
  slots: number;
}

type Changed = Promise<{ settings: AlertSettings; toWake: Wakeable[] }>;

/** Asks the PSA anew for each right that alerts need, and for its boards; ends the connection's pause. */
export const checkPermissions: Command<{ integration: IntegrationRow }, { process: Wakeable }> = async (
  tx,
  actor,
  { integration },
) => {
  const processRef = await checkerOf(tx, integration);
  const owner = await ownerOf(tx, processRef);
  if (owner) await reopenSteps(tx, { ...processRef, round: owner.round, steps: ['checkPermissions'] });
  await commitFact(tx, processRef);
  await audit(tx, actor, { action: 'permissions.check', subjectKind: 'integration', subjectId: integration.id });
  await endPause(tx, actor, { of: 'psa', id: integration.psaConnectionId });
  return { process: processRef, toWake: [processRef] };
};

/** Returns the process that checks permissions: connect, or the migration where alerts were added later. */
async function checkerOf(db: Queryable, integration: IntegrationRow): Promise<Wakeable> {
  const migrated = (await listSteps(db, migrationProcess(integration))).length > 0;
  return migrated ? migrationProcess(integration) : connectProcess(integration);
}

/**
 * Chooses the board that receives the alerts' tickets, and gives slots to the alerts that waited for a board.
 *
 * @param input.choice a status or priority that is not given is the usual one
 * @throws Refusal while no board has been read, and for a board that does not accept tickets of this kind
 */
export const chooseBoard: Command<
  OfAlerts & { choice: Parameters<typeof completeBoard>[1] },
  { settings: AlertSettings }
> = async (tx, actor, input) => {
  const { integration } = input;
  const { ticketOptions } = await readPsaConnection(tx, integration.psaConnectionId);
  if (!ticketOptions)
    throw new Refusal(
      'conflict',
      'not-read-yet',
      'The boards have not been read yet: they come with Check Permissions.',
    );
  const completed = completeBoard(ticketOptions, input.choice);
  if ('refusals' in completed)
    throw new Refusal(
      'impossible',
      'unusable-board',
      completed.refusals.map((refusal) => refusal.reason).join(' '),
      completed.refusals.map(({ field, reason }) => ({ field, message: reason })),
    );
  const checker = await checkerOf(tx, integration);
  await lockIntegration(tx, integration.id);
  await retryRefusedForAll(tx, integration.id, 'board');
  const { settings, toWake } = await change(tx, actor, input, 'alerts.board', () => ({ board: completed.choice }));
  await completeByFact(tx, { ...connectProcess(integration), round: '1', step: 'chooseBoard' });
  await completeMigrationStep(tx, integration.id, 'chooseBoard');
  return { settings, toWake: [...toWake, checker] };
};

/** Changes texts, storms and rules; settings that are not given stay as they are. */
export const changeAlertSettings: Command<OfAlerts & { given: GivenSettings }, { settings: AlertSettings }> = async (
  tx,
  actor,
  input,
) => {
  const { given } = input;
  return change(tx, actor, input, 'alerts.settings', (now) => {
    const { board: _, ...others } = now;
    const parts = { storm: overlay(now.storm, given.storm), rules: overlay(now.rules, given.rules) };
    return overlay(others, { ...given, ...parts });
  });
};

/**
 * @param changed computes the new settings from those read with the integration locked, because another person may have
 *   changed other settings meanwhile
 */
async function change(
  tx: Transaction,
  actor: Actor,
  { integration, slots }: OfAlerts,
  action: string,
  changed: (now: AlertSettings) => Partial<AlertSettings>,
): Changed {
  const { id } = integration;
  const locked = (await lockIntegration(tx, id)) ?? integration;
  const { alerts: before } = locked;
  const after = { ...before, ...changed(alertSettingsOf(before)) };
  await storeAlertSettings(tx, id, after);
  await audit(tx, actor, { action, subjectKind: 'integration', subjectId: id, before, after });
  return { settings: alertSettingsOf(after), toWake: await admitAlerts(tx, { ...locked, alerts: after }, slots) };
}
