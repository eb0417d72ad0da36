/** An integration's migration to alerts, and the processes that check a PSA for the permissions that alerts need. */
import type { Wakeable } from '../../domain/process/ids.ts';
import { sql } from 'drizzle-orm';
import type { Queryable, Transaction } from '../client.ts';
import { completeByFact, ownerOf } from './process.ts';
import { listSteps } from './processView.ts';
import { isFinished, type StepOf } from '../../domain/process/steps.ts';

const refOf = (id: string) => ({ kind: 'migrateToAlerts', id }) as const;

/**
 * Completes a step of the migration under way.
 *
 * @returns false when no migration exists, or the step was already finished
 */
export async function completeMigrationStep(
  tx: Transaction,
  id: string,
  step: StepOf<'migrateToAlerts'>,
): Promise<boolean> {
  const owner = await ownerOf(tx, refOf(id));
  return owner ? completeByFact(tx, { ...refOf(id), round: owner.round, step }) : false;
}

/** Whether an integration's migration has unfinished steps. */
export async function isMigrating(db: Queryable, id: string): Promise<boolean> {
  const steps = await listSteps(db, refOf(id));
  return steps.some((step) => !isFinished(step.state));
}

/** Lists the processes blocked at *Check Permissions* of this PSA connection: new credentials may free them. */
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
