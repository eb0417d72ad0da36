/** The schedules by which integrations sync by themselves. */
import { and, eq, isNull, sql } from 'drizzle-orm';
import type { Schedule } from '../../domain/schedule.ts';
import type { Queryable } from '../client.ts';
import { integration, processStep, syncSchedule } from '../schema/index.ts';

/** Finds the schedule that a person chose; undefined = none was chosen yet. */
export async function findSchedule(db: Queryable, integrationId: string): Promise<Schedule | undefined> {
  const [row] = await db.select().from(syncSchedule).where(eq(syncSchedule.integrationId, integrationId));
  return row;
}

export async function storeSchedule(tx: Queryable, integrationId: string, schedule: Schedule): Promise<void> {
  const { choice, timeZone, jitterMinutes, paused } = schedule;
  const columns = { choice, timeZone, jitterMinutes, paused };
  await tx
    .insert(syncSchedule)
    .values({ integrationId, ...columns })
    .onConflictDoUpdate({ target: syncSchedule.integrationId, set: { ...columns, changedAt: sql`now()` } });
}

/**
 * Lists the integrations that sync by themselves: their `connect` process is finished, and they are not disconnected.
 *
 * @param integrationId only this integration; absent = all
 */
export async function listScheduled(
  db: Queryable,
  integrationId?: string,
): Promise<{ integrationId: string; organizationId: string; chosen: Schedule | null }[]> {
  return db
    .select({ integrationId: integration.id, organizationId: integration.organizationId, chosen: syncSchedule })
    .from(integration)
    .innerJoin(
      processStep,
      and(
        eq(processStep.kind, 'connect'),
        eq(processStep.id, sql`${integration.id}::text`),
        eq(processStep.step, 'finish'),
        eq(processStep.state, 'done'),
      ),
    )
    .leftJoin(syncSchedule, eq(syncSchedule.integrationId, integration.id))
    .where(and(isNull(integration.disconnectedAt), integrationId ? eq(integration.id, integrationId) : undefined));
}

/** Whether an integration still syncs by itself. */
export async function isScheduled(db: Queryable, integrationId: string): Promise<boolean> {
  return (await listScheduled(db, integrationId)).length > 0;
}
