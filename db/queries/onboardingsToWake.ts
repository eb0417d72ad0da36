/**
 * Onboardings whose workflows have to be woken, a few at a time, and the processes that wake them (`startOnboardings`).
 */
import { and, eq, lte, sql } from 'drizzle-orm';
import { onboardingId } from '../../domain/process/ids.ts';
import type { Queryable } from '../client.ts';
import { processes } from '../schema/index.ts';
import { among } from './among.ts';
import type { IntegrationRow } from './integration.ts';

/**
 * Makes the integrations that have waiting customers look again, because names of customers or PSA accounts have
 * changed.
 */
export async function touchStarters(
  tx: Queryable,
  of: { psaConnectionId: string } | { integrationId: string },
): Promise<Pick<IntegrationRow, 'id' | 'organizationId'>[]> {
  const scope =
    'integrationId' in of ? sql`i.id = ${of.integrationId}` : sql`i.psa_connection_id = ${of.psaConnectionId}`;
  const { rows } = await tx.execute<{ id: string; organizationId: string }>(sql`
    update process p set version = p.version + 1, due_at = now(), sweeps = 0
      from integration i
     where p.kind = 'startOnboardings' and p.id = i.id::text and ${scope} and i.disconnected_at is null
       and exists (select from onboarding o where o.integration_id = i.id and o.state = 'waiting')
    returning i.id, i.organization_id as "organizationId"`);
  return rows;
}

/** Counts onboardings that are due: they have something to do, and their workflows have not parked yet. */
export async function countRestless(db: Queryable, integrationId: string): Promise<number> {
  const isDue = lte(processes.dueAt, sql`now()`);
  return db.$count(
    processes,
    and(eq(processes.kind, 'onboardCustomer'), eq(processes.integrationId, integrationId), isDue),
  );
}

/**
 * An onboarding whose workflow has to be woken, and the version that its process had when the onboarding was listed.
 */
export interface OnboardingToWake {
  id: string;
  version: string;
}

/** Lists the onboardings whose workflows have to be woken, in the order in which the customers were found. */
export async function listToWake(db: Queryable, integrationId: string, max: number): Promise<OnboardingToWake[]> {
  const { rows } = await db.execute<OnboardingToWake & Record<string, unknown>>(sql`
    select o.vendor_account_id as id, p.version
      from onboarding o
      join process p on p.kind = 'onboardCustomer' and p.id = o.integration_id || '/' || o.vendor_account_id
     where o.integration_id = ${integrationId} and o.to_wake
     order by o.found_at, o.vendor_account_id limit ${max}`);
  return rows;
}

/**
 * Records that onboardings were woken. An onboarding whose process's version changed meanwhile is left to be woken
 * again.
 *
 * @param failed ids of the onboardings whose Signal Temporal did not take: the sweep wakes these
 */
export async function noteWoken(
  db: Queryable,
  integrationId: string,
  woken: readonly OnboardingToWake[],
  failed: readonly string[],
): Promise<void> {
  const failedIds = failed.map((vendorAccountId) => onboardingId({ integrationId, vendorAccountId }));
  await db.execute(sql`
    with failed as (update process set due_at = now() where kind = 'onboardCustomer' and ${among(sql`id`, failedIds)})
    update onboarding o set to_wake = false
      from jsonb_to_recordset(${JSON.stringify(woken)}::jsonb) as r(id text, version bigint)
      join process p on p.kind = 'onboardCustomer' and p.id = ${integrationId} || '/' || r.id and p.version = r.version
     where o.integration_id = ${integrationId}::uuid and o.vendor_account_id = r.id`);
}
