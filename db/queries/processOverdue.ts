/** Which processes were not woken, or rest although they have something left to do: what the sweep and the doctor ask. */
import { sql } from 'drizzle-orm';
import type { ProcessKind } from '../../domain/process/steps.ts';
import type { Database, Queryable } from '../client.ts';
import { milliseconds } from '../interval.ts';
import type { DueProcess } from './process.ts';

/**
 * Takes processes that were not woken: those overdue by more than `overdueMs`. Moves `due_at` forward with a backoff
 * that doubles up to one hour, so that a process that cannot go on is not woken every minute for ever, and so that two
 * sweeps do not take the same rows.
 */
export async function takeOverdue(db: Database, overdueMs: number, limit: number): Promise<DueProcess[]> {
  const { rows } = await db.execute<{
    kind: ProcessKind;
    id: string;
    organizationId: string;
    integrationId: string | null;
  }>(sql`
    update process p
       set sweeps = p.sweeps + 1,
           due_at = now() + least(${overdueMs} * power(2, least(p.sweeps, 20)), 3600000) * interval '1 millisecond'
      from (select kind, id from process
             where due_at < now() - ${milliseconds(overdueMs)}
             order by due_at limit ${limit} for update skip locked) d
     where p.kind = d.kind and p.id = d.id
    returning p.kind, p.id, p.organization_id as "organizationId", p.integration_id as "integrationId"`);
  return rows;
}

/** Lists the processes that rest although they have something left to do: each must have an open workflow. */
export async function listUnfinished(db: Queryable): Promise<DueProcess[]> {
  const { rows } = await db.execute<DueProcess & Record<string, unknown>>(sql`
    select p.kind, p.id, p.organization_id as "organizationId", p.integration_id as "integrationId"
      from process p
     where coalesce(p.due_at > now(), true)
       and exists (select from process_step s
                    where (s.kind, s.id, s.round) = (p.kind, p.id, p.round) and s.state not in ('done', 'skipped'))
       -- Not started yet: they are started some at a time.
       and not exists (select from onboarding o where p.kind = 'onboardCustomer' and o.to_wake
                          and o.integration_id = p.integration_id and o.integration_id || '/' || o.vendor_account_id = p.id)
     order by p.kind, p.id`);
  return rows;
}
