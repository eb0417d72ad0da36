/** From billing to billing and alerts, and back (G30–G36). */
import { lockIntegration, storeAlertSettings, storeModules, type IntegrationRow } from '../db/queries/integration.ts';
import { isMigrating } from '../db/queries/migration.ts';
import { commitFact, createProcess, endProcess, finishStep, ownerOf, startRound } from '../db/queries/process.ts';
import { migrationProcess } from '../domain/process/ids.ts';
import { audit, type Command } from './actor.ts';
import { endAlerts, refuseUnconnected } from './integration.ts';
import { Refusal } from './refusal.ts';

type Owned = Pick<IntegrationRow, 'id' | 'organizationId'>;

/**
 * Starts the migration when *Migrate to Alerts* was pressed: alerts are accepted from now on, and wait for a board. A
 * migration that was abandoned begins anew.
 *
 * @throws Refusal while the integration is being connected, and when it carries alerts already
 */
export const requestMigration: Command<{ integration: Owned }> = async (tx, actor, { integration }) => {
  await refuseUnconnected(tx, integration);
  const { id } = integration;
  const row = await lockIntegration(tx, id);
  if (!row || row.modules.includes('alerts'))
    throw new Refusal('conflict', 'has-alerts', 'This integration carries alerts already.');
  const modules = [...row.modules, 'alerts' as const];
  await storeModules(tx, id, modules);
  const processRef = migrationProcess(integration);
  const before = await ownerOf(tx, processRef);
  await createProcess(tx, row.organizationId, processRef);
  const round = String(before ? Number(before.round) + 1 : 1);
  await startRound(tx, { ...processRef, round });
  await finishStep(tx, { ...processRef, round, step: 'requestMigration' });
  await commitFact(tx, processRef);
  const moved = { before: { modules: row.modules }, after: { modules } };
  await audit(tx, actor, { action: 'migration.request', subjectKind: 'integration', subjectId: id, ...moved });
  return { toWake: [processRef] };
};

/**
 * Returns to billing alone: the alert settings and the migration's process end, alerts that were never delivered are
 * dismissed, and mappings and counts stay as they are.
 *
 * @throws Refusal when there is no migration to abandon
 */
export const abandonMigration: Command<{ integration: Owned }> = async (tx, actor, { integration }) => {
  const { id } = integration;
  const row = await lockIntegration(tx, id);
  if (!row || !(await isMigrating(tx, id)))
    throw new Refusal('conflict', 'no-migration', 'There is no migration under way that could be abandoned.');
  const processRef = migrationProcess(integration);
  await endProcess(tx, processRef);
  const modules = row.modules.filter((module) => module !== 'alerts');
  await storeModules(tx, id, modules);
  await storeAlertSettings(tx, id, {});
  const detail = 'The migration to alerts was abandoned before anybody was told of it.';
  const ended = await endAlerts(tx, integration, { code: 'migration_abandoned', detail });
  const moved = { before: { modules: row.modules }, after: { modules } };
  await audit(tx, actor, { action: 'migration.abandon', subjectKind: 'integration', subjectId: id, ...moved });
  return { toWake: [processRef, ...ended] };
};
