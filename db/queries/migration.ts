/** An integration's migration to alerts, and the processes that check a PSA for the permissions that alerts need. */
import type { Wakeable } from '../../domain/process/ids.ts';
import { and, eq, inArray } from 'drizzle-orm';
import type { Queryable, Transaction } from '../client.ts';
import { integration, processes, processStep } from '../schema/index.ts';
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
  const { kind, id, organizationId, integrationId, round } = processes;
  return db
    .select({ kind, id, organizationId, integrationId })
    .from(processes)
    .innerJoin(processStep, and(eq(processStep.kind, kind), eq(processStep.id, id), eq(processStep.round, round)))
    .innerJoin(integration, eq(integration.id, integrationId))
    .where(
      and(
        eq(integration.psaConnectionId, psaConnectionId),
        inArray(kind, ['connect', 'migrateToAlerts']),
        eq(processStep.step, 'checkPermissions'),
        eq(processStep.state, 'blocked'),
      ),
    );
}
