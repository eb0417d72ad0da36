/** Intake push: the keys a vendor comes with, and the numbers it posts. */
import { and, desc, eq, gt, inArray, isNull, ne, or, sql } from 'drizzle-orm';
import type { Database, Queryable, Transaction } from '../client.ts';
import { hashSecret } from '../encryption.ts';
import { integration, integrationKey, syncRequest, usageCount, vendorAccount } from '../schema/index.ts';
import type { IntegrationRow } from './integration.ts';
import { commitFact, completeByFact, finishStep, ownerOf } from './process.ts';
import { stagedCountIdOf } from './staging.ts';

const inForce = and(
  isNull(integrationKey.revokedAt),
  or(isNull(integrationKey.expiresAt), gt(integrationKey.expiresAt, sql`now()`)),
);

/**
 * Stores a new key and lets the others go on for the overlap.
 *
 * @param overlapMs how long the keys before it still work, in milliseconds; 0 = not at all
 * @returns the key's id
 */
export async function insertIntegrationKey(
  tx: Transaction,
  integrationId: string,
  key: { secret: string; overlapMs: number },
): Promise<string> {
  const expiry = sql`now() + ${key.overlapMs} * interval '1 millisecond'`;
  await tx
    .update(integrationKey)
    // An overlap never prolongs what an earlier rotation has limited already.
    .set({ expiresAt: sql`least(coalesce(${integrationKey.expiresAt}, 'infinity'), ${expiry})` })
    .where(and(eq(integrationKey.integrationId, integrationId), isNull(integrationKey.revokedAt)));
  const [row] = await tx
    .insert(integrationKey)
    .values({ integrationId, keyHash: hashSecret(key.secret) })
    .returning({ id: integrationKey.id });
  if (!row) throw new Error('The key was not stored.');
  return row.id;
}

/** Keys of an integration, newest first; what opens a door is not among the columns. */
export async function listIntegrationKeys(db: Queryable, integrationId: string) {
  return db
    .select({
      id: integrationKey.id,
      createdAt: integrationKey.createdAt,
      expiresAt: integrationKey.expiresAt,
      revokedAt: integrationKey.revokedAt,
      lastUsedAt: integrationKey.lastUsedAt,
    })
    .from(integrationKey)
    .where(eq(integrationKey.integrationId, integrationId))
    .orderBy(desc(integrationKey.createdAt));
}

/** Revokes keys at once. @param keyId one of them, or undefined = all @returns how many were in force */
export async function revokeIntegrationKeys(tx: Queryable, integrationId: string, keyId?: string): Promise<number> {
  const rows = await tx
    .update(integrationKey)
    .set({ revokedAt: sql`now()` })
    .where(
      and(
        eq(integrationKey.integrationId, integrationId),
        isNull(integrationKey.revokedAt),
        keyId ? eq(integrationKey.id, keyId) : undefined,
      ),
    )
    .returning({ id: integrationKey.id });
  return rows.length;
}

/** What a request of a vendor carries, for looking up. */
export interface PresentedKeys {
  /** Of the integration's key. Looked up by its hash, so the time taken tells nothing about the key. */
  keyHash: string;
  /** Whose vendor key it came with; none = a wrong one. */
  vendors: readonly string[];
}

/** A key's use is noted this often: a hundred thousand counts are one use. */
const isStale = sql<boolean>`coalesce(${integrationKey.lastUsedAt} < now() - interval '1 minute', true)`;

/** The connected integration that the keys open. `stale`: the use of the key should be noted. */
export async function findIntegrationByKey(
  db: Queryable,
  keys: PresentedKeys,
): Promise<{ keyId: string; stale: boolean; integration: IntegrationRow } | undefined> {
  const [row] = await db
    .select({ keyId: integrationKey.id, stale: isStale, integration })
    .from(integrationKey)
    .innerJoin(integration, eq(integration.id, integrationKey.integrationId))
    .where(
      and(
        eq(integrationKey.keyHash, keys.keyHash),
        inForce,
        isNull(integration.disconnectedAt),
        inArray(integration.vendor, [...keys.vendors]),
      ),
    );
  return row;
}

export async function touchIntegrationKey(db: Queryable, keyId: string): Promise<void> {
  await db
    .update(integrationKey)
    .set({ lastUsedAt: sql`now()` })
    .where(eq(integrationKey.id, keyId));
}

export interface AcceptedCount {
  keyId: string;
  /** The use of the key should be noted. */
  stale: boolean;
  integration: Pick<IntegrationRow, 'id' | 'organizationId' | 'pushStatus'>;
  accountKnown: boolean;
  serviceKnown: boolean;
  /** The PSA account that the account is mapped to. */
  psaAccountId: string | null;
  serviceMapped: boolean;
  /** It is the first of a burst: whoever drives the sync has to be woken. */
  first: boolean;
}

/** A number of one account and one service, as it was posted. */
export interface PostedCount {
  accountId: string;
  serviceId: string;
  quantity: number;
  /** false = `no_build`: nothing need be shown for it yet. */
  build: boolean;
}

/**
 * $1 hash of the key, $2 vendors whose keys were shown, with commas, $3 the counts. `limit 1` has PostgreSQL look each
 * one up, however large the tables.
 */
const acceptCountsSql = `
  with given as (
    select * from rows from (jsonb_to_recordset($3::jsonb)
                             as ("accountId" text, "serviceId" text, quantity float8, build boolean))
                  with ordinality as g (account_id, service_id, quantity, build, n)),
  caller as (
    select k.id as key_id, coalesce(k.last_used_at < now() - interval '1 minute', true) as stale,
           i.id, i.organization_id, i.push_status
      from integration_key k join integration i on i.id = k.integration_id
     where k.key_hash = $1 and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
       and i.disconnected_at is null and i.vendor = any(string_to_array($2, ','))),
  known as (
    select c.id, g.*, a.there as account, s.there as service, am.psa_account_id, sm.there as service_mapped
      from caller c cross join given g
      left join lateral (select true as there from vendor_account a
                          where a.integration_id = c.id and a.id = g.account_id limit 1) a on true
      left join lateral (select true as there from service s
                          where s.integration_id = c.id and s.id = g.service_id limit 1) s on true
      left join lateral (select m.psa_account_id from account_mapping m
                          where m.integration_id = c.id and m.vendor_account_id = g.account_id limit 1) am on true
      left join lateral (select true as there from service_mapping m
                          where m.integration_id = c.id and m.service_id = g.service_id limit 1) sm on true),
  kept as (
    insert into pushed_count as p (integration_id, vendor_account_id, service_id, quantity, received_at, build)
    select id, account_id, service_id, (array_agg(quantity order by n desc))[1], clock_timestamp(), bool_or(build)
      from known where account and service
     group by id, account_id, service_id
     order by account_id, service_id -- Whoever writes several writes them in this order, so that no two wait for each other.
    on conflict (integration_id, vendor_account_id, service_id) do update
       set quantity = excluded.quantity, received_at = excluded.received_at, run_id = null,
           build = excluded.build or (p.run_id is null and p.build)
    returning 1),
  -- Held until this commits: a run that takes the request now will see the numbers. One that has taken it is not seen.
  open as (
    select r.id from sync_request r
     where r.integration_id = (select id from caller) and r.kind = 'push' and r.run_id is null for share)
  select key_id, stale, id, organization_id, push_status, account as account_known, service as service_known,
         psa_account_id, service_mapped, exists (select from open) as asked
    from caller join known using (id) order by n`;

/**
 * Keeps posted numbers, those whose account and service are known, if the keys are in force, and sees to it that a sync is
 * asked for: mostly one statement, because a vendor posts a hundred thousand of them. Of two numbers of a pair the
 * later one is kept. Accepted is what this has returned from. The conditions on the keys are those of `findIntegrationByKey`.
 *
 * @param counts of one caller, in the order in which they came; not none
 * @returns one for each; undefined when the keys open nothing, and then nothing is kept
 */
export async function acceptCounts(
  db: Database,
  keys: PresentedKeys,
  counts: readonly PostedCount[],
): Promise<AcceptedCount[] | undefined> {
  const { rows } = await db.$client.query<{
    key_id: string;
    stale: boolean;
    id: string;
    organization_id: string;
    push_status: IntegrationRow['pushStatus'];
    account_known: true | null;
    service_known: true | null;
    psa_account_id: string | null;
    service_mapped: true | null;
    asked: boolean;
  }>({
    text: acceptCountsSql,
    values: [keys.keyHash, keys.vendors.join(), JSON.stringify(counts)],
  });
  const [any] = rows;
  if (!any) return undefined;
  const firstKept = rows.findIndex((row) => row.account_known && row.service_known);
  const first = firstKept >= 0 && !any.asked && (await askForPushedSync(db, any.id));
  return rows.map((row, at) => ({
    keyId: row.key_id,
    stale: row.stale && at === 0,
    integration: { id: row.id, organizationId: row.organization_id, pushStatus: row.push_status },
    accountKnown: row.account_known ?? false,
    serviceKnown: row.service_known ?? false,
    psaAccountId: row.psa_account_id,
    serviceMapped: row.service_mapped ?? false,
    first: first && at === firstKept,
  }));
}

/**
 * Asks for a sync of what was posted, and tells a run that waits for counts that they have come. The process is locked
 * as a claim locks it: a run that is being claimed meanwhile is seen here, or has seen the counts.
 *
 * @returns false when somebody asked first
 */
async function askForPushedSync(db: Database, integrationId: string): Promise<boolean> {
  const sync = { kind: 'sync', id: integrationId } as const;
  return db.transaction(async (tx) => {
    await tx.execute(sql`select 1 from process where kind = ${sync.kind} and id = ${sync.id} for update`);
    const asked = await tx
      .insert(syncRequest)
      .values({ integrationId, kind: 'push', requestedBy: 'vendor' })
      .onConflictDoNothing()
      .returning({ id: syncRequest.id });
    if (asked.length === 0) return false;
    const owner = await ownerOf(tx, sync);
    if (owner) await finishStep(tx, { ...sync, round: owner.round, step: 'counts' });
    await commitFact(tx, sync);
    return true;
  });
}

export interface Burst {
  sinceFirstMs: number;
  sinceLastMs: number;
  /** Some count of it asked to be shown (`no_build` was not set). */
  build: boolean;
  /** A person asks for a sync meanwhile; what a process or a Schedule needs can wait for the vendor. */
  asked: boolean;
}

/** How a burst of posts stands; undefined when nothing is posted that is not visible. Milliseconds, by the database's clock. */
export async function readBurst(db: Queryable, integrationId: string): Promise<Burst | undefined> {
  const {
    rows: [row],
  } = await db.execute<{
    since_first: number | null;
    since_last: number | null;
    build: boolean | null;
    asked: boolean;
  }>(sql`
    select (extract(epoch from clock_timestamp() - min(received_at)) * 1000)::float8 as since_first,
           (extract(epoch from clock_timestamp() - max(received_at)) * 1000)::float8 as since_last,
           bool_or(build) as build,
           exists (select from sync_request r
                    where r.integration_id = ${integrationId} and r.run_id is null and r.kind <> 'push' and r.once_key is null) as asked
      from pushed_count where integration_id = ${integrationId} and run_id is null`);
  if (!row || row.since_first === null || row.since_last === null) return undefined;
  return {
    sinceFirstMs: row.since_first,
    sinceLastMs: row.since_last,
    build: row.build ?? false,
    asked: row.asked,
  };
}

/**
 * Stages every posted number that is not visible yet, and takes the request that they made. The request first: a number
 * whose post still saw it open is committed by then. A pair that the run has read is newer than what was posted before:
 * it stays as it was read, and the posted number is settled with it.
 *
 * @returns how many
 */
export async function stagePushed(tx: Queryable, integrationId: string, runId: string): Promise<number> {
  await tx
    .update(syncRequest)
    .set({ runId })
    .where(and(eq(syncRequest.integrationId, integrationId), eq(syncRequest.kind, 'push'), isNull(syncRequest.runId)));
  const { rows } = await tx.execute<{ id: string }>(sql`
    insert into staging_row (run_id, entity, id, data)
    select ${runId}::uuid, 'count', ${stagedCountIdOf(sql`vendor_account_id`, sql`service_id`)},
           jsonb_build_object('accountId', vendor_account_id, 'service', service_id, 'quantity', quantity,
                              'parts', '[]'::jsonb, 'source', 'push', 'receivedAt', received_at)
      from pushed_count where integration_id = ${integrationId} and run_id is null
    on conflict (run_id, entity, id) do update
       set data = case when staging_row.data->>'source' = 'push' then excluded.data
                       else staging_row.data || jsonb_build_object('receivedAt', excluded.data->'receivedAt') end
    returning id`);
  return rows.length;
}

/**
 * Marks what a run staged as settled, applied or discarded; a number that was posted since stays open. The rows are locked
 * in the order in which `acceptCounts` writes them.
 */
export async function settlePushed(tx: Queryable, integrationId: string, runId: string): Promise<void> {
  await tx.execute(sql`
    with taken as (
      select p.vendor_account_id, p.service_id
        from staging_row s join pushed_count p
          on p.vendor_account_id = s.data->>'accountId' and p.service_id = s.data->>'service'
         and p.received_at = (s.data->>'receivedAt')::timestamptz
       where s.run_id = ${runId} and s.entity = 'count' and p.integration_id = ${integrationId}
       order by p.vendor_account_id, p.service_id for update of p)
    update pushed_count p set run_id = ${runId}::uuid
      from taken t
     where p.integration_id = ${integrationId} and p.vendor_account_id = t.vendor_account_id and p.service_id = t.service_id`);
}

export async function storePushStatus(
  tx: Queryable,
  id: string,
  change: Partial<Pick<IntegrationRow, 'pushStatus' | 'vendorProfile'>>,
): Promise<void> {
  await tx.update(integration).set(change).where(eq(integration.id, id));
}

/** Whether the vendor has a key that opens this integration. */
export async function hasKeyInForce(db: Queryable, integrationId: string): Promise<boolean> {
  const rows = await db
    .select({ id: integrationKey.id })
    .from(integrationKey)
    .where(and(eq(integrationKey.integrationId, integrationId), inForce))
    .limit(1);
  return rows.length > 0;
}

/**
 * Changes the way counts come. The numbers of the way before stay, marked as not reported since now: whether they still
 * hold is what the new way will tell.
 */
export async function storeIntake(tx: Transaction, integrationId: string, intake: 'push' | 'pull'): Promise<void> {
  await tx.update(integration).set({ intake }).where(eq(integration.id, integrationId));
  await tx
    .update(usageCount)
    .set({ notReportedSince: sql`coalesce(${usageCount.notReportedSince}, now())` })
    .where(and(eq(usageCount.integrationId, integrationId), ne(usageCount.source, intake)));
}

/** The vendor has accepted the key and told of a customer: that is how a vendor that pushes links customers (G10). */
export async function completeLinkCustomers(tx: Transaction, integrationId: string): Promise<void> {
  const [row] = await tx
    .select({ id: vendorAccount.id })
    .from(integration)
    .innerJoin(vendorAccount, eq(vendorAccount.integrationId, integration.id))
    .where(
      and(
        eq(integration.id, integrationId),
        inArray(integration.pushStatus, ['pending', 'active']),
        eq(vendorAccount.linked, true),
      ),
    )
    .limit(1);
  if (row) await completeByFact(tx, { kind: 'connect', id: integrationId, round: '1', step: 'linkCustomers' });
}
