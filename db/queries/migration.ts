/** From billing to billing and alerts, and back (G30–G36). */
import type { Wakeable } from '../../domain/process/ids.ts';
import { eq, sql } from 'drizzle-orm';
import type { Queryable, Transaction } from '../client.ts';
import { integration } from '../schema/index.ts';
import { dismissUndelivered } from './alerts.ts';
import { recordAudit } from './audit.ts';
import { lockIntegration } from './integration.ts';
import {
  commitFact,
  completeByFact,
  createProcess,
  endProcess,
  finishStep,
  listSteps,
  ownerOf,
  startRound,
} from './process.ts';
import type { StepOf } from '../../domain/process/steps.ts';

const refOf = (id: string) => ({ kind: 'migrateToAlerts', id }) as const;

/**
 * *Migrate to Alerts* was pressed: alerts are taken from now on, and wait for a board. One that was abandoned begins anew.
 *
 * @returns false when the integration carries alerts already
 */
export async function requestMigration(tx: Transaction, id: string, actor: string): Promise<boolean> {
  const row = await lockIntegration(tx, id);
  if (!row || row.modules.includes('alerts')) return false;
  await tx
    .update(integration)
    .set({ modules: [...row.modules, 'alerts'] })
    .where(eq(integration.id, id));
  const ref = refOf(id);
  const before = await ownerOf(tx, ref);
  await createProcess(tx, row.organizationId, { ...ref, integrationId: id });
  const round = String(before ? Number(before.round) + 1 : 1);
  await startRound(tx, { ...ref, round });
  await finishStep(tx, { ...ref, round, step: 'requestMigration' });
  await commitFact(tx, ref);
  await recordAudit(tx, row.organizationId, {
    actor,
    action: 'migration.request',
    subjectKind: 'integration',
    subjectId: id,
    before: { modules: row.modules },
    after: { modules: [...row.modules, 'alerts'] },
  });
  return true;
}

/** Completes a step of the migration under way. @returns false when there is none, or the step was finished before */
export async function completeMigrationStep(
  tx: Transaction,
  id: string,
  step: StepOf<'migrateToAlerts'>,
): Promise<boolean> {
  const owner = await ownerOf(tx, refOf(id));
  return owner ? completeByFact(tx, { ...refOf(id), round: owner.round, step }) : false;
}

/** Whether a migration is not through yet. */
export async function isMigrating(db: Queryable, id: string): Promise<boolean> {
  const steps = await listSteps(db, refOf(id));
  return steps.some((step) => step.state !== 'done' && step.state !== 'skipped');
}

/**
 * Back to billing alone: what was asked for alerts goes, alerts that nobody was told of are dismissed, and mappings and
 * counts stay as they are.
 *
 * @returns ids of the alerts that had a workflow; undefined when there is no migration to abandon
 */
export async function abandonMigration(tx: Transaction, id: string, actor: string): Promise<string[] | undefined> {
  const row = await lockIntegration(tx, id);
  if (!row || !(await isMigrating(tx, id))) return undefined;
  await endProcess(tx, refOf(id));
  const modules = row.modules.filter((module) => module !== 'alerts');
  await tx.update(integration).set({ modules, alerts: {} }).where(eq(integration.id, id));
  const detail = 'The migration to alerts was abandoned before anybody was told of it.';
  const admitted = await dismissUndelivered(tx, id, { code: 'migration_abandoned', detail });
  for (const alertRowId of admitted) await endProcess(tx, { kind: 'deliverAlert', id: alertRowId });
  await recordAudit(tx, row.organizationId, {
    actor,
    action: 'migration.abandon',
    subjectKind: 'integration',
    subjectId: id,
    before: { modules: row.modules },
    after: { modules },
  });
  return admitted;
}

/** Processes that are stuck at *Check Permissions* of this PSA connection: new credentials may free them. */
export async function listPermissionChecks(db: Queryable, psaConnectionId: string): Promise<Wakeable[]> {
  const { rows } = await db.execute<{
    kind: 'connect' | 'migrateToAlerts';
    id: string;
    organizationId: string;
    integrationId: string;
  }>(sql`
    select p.kind, p.id, p.organization_id as "organizationId", p.integration_id as "integrationId"
      from process p
      join process_step s on (s.kind, s.id, s.round) = (p.kind, p.id, p.round)
      join integration i on i.id = p.integration_id
     where i.psa_connection_id = ${psaConnectionId} and p.kind in ('connect', 'migrateToAlerts')
       and s.step = 'checkPermissions' and s.state = 'blocked'`);
  return rows;
}
