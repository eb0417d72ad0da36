/** Intake push: the keys with which a vendor authenticates, and the counts that it posts. */
import { and, desc, eq, gt, inArray, isNull, ne, or, sql } from 'drizzle-orm';
import type { Database, Queryable, Transaction } from '../client.ts';
import { fromNow, inMilliseconds } from '../interval.ts';
import { hashSecret } from '../encryption.ts';
import { integration, integrationKey, syncRequest, usageCount, vendorAccount } from '../schema/index.ts';
import type { Move, PushStatus } from '../../domain/transitions.ts';
import type { IntegrationRow } from './integration.ts';
import { mayMove } from './mayMove.ts';
import { stagedCountIdOf } from './staging.ts';

const inForce = and(
  isNull(integrationKey.revokedAt),
  or(isNull(integrationKey.expiresAt), gt(integrationKey.expiresAt, sql`now()`)),
);

/**
 * Stores a new key and keeps the integration's earlier keys working for the overlap.
 *
 * @param key.overlapMs how long the earlier keys still work, in milliseconds; 0 = not at all
 * @returns the key's id
 */
export async function insertIntegrationKey(
  tx: Transaction,
  integrationId: string,
  key: { secret: string; overlapMs: number },
): Promise<string> {
  const expiry = fromNow(key.overlapMs);
  await tx
    .update(integrationKey)
    // An overlap never extends a key's expiry that an earlier rotation has already set.
    .set({ expiresAt: sql`least(coalesce(${integrationKey.expiresAt}, 'infinity'), ${expiry})` })
    .where(and(eq(integrationKey.integrationId, integrationId), isNull(integrationKey.revokedAt)));
  const [row] = await tx
    .insert(integrationKey)
    .values({ integrationId, keyHash: hashSecret(key.secret) })
    .returning({ id: integrationKey.id });
  if (!row) throw new Error('The key was not stored.');
  return row.id;
}

/** Lists the keys of an integration, newest first; the columns do not include the secret or its hash. */
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

/**
 * Revokes keys immediately.
 *
 * @param keyId the key to revoke; undefined = all keys
 * @returns how many were not revoked before
 */
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

/** The keys in a vendor's request, in the form in which they are looked up. */
export interface PresentedKeys {
  /**
   * The hash of the integration's key. The key is looked up by its hash, so that the time taken reveals nothing about
   * it.
   */
  keyHash: string;
  /** The vendors whose vendor key the request carries; none = the vendor key is wrong. */
  vendors: readonly string[];
}

/**
 * Whether a key's last recorded use is over a minute old: a hundred thousand counts within a minute are recorded as one
 * use.
 */
const isStale = sql<boolean>`coalesce(${integrationKey.lastUsedAt} < now() - interval '1 minute', true)`;

/** Finds the connected integration that the keys give access to. `stale`: the key's use should be recorded. */
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

/** A count of one account and one service, as it was posted. */
export interface PostedCount {
  accountId: string;
  serviceId: string;
  /** Other service ids that the posted id may mean, when the address is read in another way. */
  otherReadings?: readonly string[];
  quantity: number;
  /** false = `no_build`: the count does not need to become visible yet. */
  build: boolean;
}

/** The row that `accept_counts` returns for each count. */
export interface AcceptRow {
  key_id: string;
  stale: boolean;
  id: string;
  organization_id: string;
  push_status: IntegrationRow['pushStatus'];
  account_known: true | null;
  service_id: string | null;
  psa_account_id: string | null;
  service_mapped: true | null;
  refused_before: true | null;
  asked: boolean;
}

/**
 * Calls the function `accept_counts` of the migration `refused_posts`, which stores the counts whose account and
 * service it knows by their ids. The counts are passed as JSON, not as an array: an array's length changes PostgreSQL's
 * estimate and forces replanning each time.
 */
export async function callAccept(
  db: Database,
  keys: PresentedKeys,
  counts: readonly (PostedCount & { posted?: string })[],
): Promise<AcceptRow[]> {
  const given = counts.map(({ otherReadings: others = [], ...count }) => ({
    ...count,
    ...(others.length > 0 ? { others } : {}),
  }));
  const { rows } = await db.$client.query<AcceptRow>('select * from accept_counts($1, $2, $3)', [
    keys.keyHash,
    keys.vendors.join(),
    JSON.stringify(given),
  ]);
  return rows;
}

export interface Burst {
  sinceFirstMs: number;
  sinceLastMs: number;
  /** At least one count of the burst asked to become visible (`no_build` was not set). */
  build: boolean;
  /** A person has asked for a sync meanwhile; the requests of a process or a Schedule can wait for the vendor. */
  asked: boolean;
}

/**
 * Reads the state of a burst of posts, in milliseconds by the database's clock; undefined when every posted count is
 * settled.
 */
export async function readBurst(db: Queryable, integrationId: string): Promise<Burst | undefined> {
  const {
    rows: [row],
  } = await db.execute<{
    since_first: number | null;
    since_last: number | null;
    build: boolean | null;
    asked: boolean;
  }>(sql`
    select ${inMilliseconds(sql`clock_timestamp() - min(received_at)`)} as since_first,
           ${inMilliseconds(sql`clock_timestamp() - max(received_at)`)} as since_last,
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
 * Stages every posted count that is not visible yet, and assigns the open `push` request to the run. The request is
 * taken first: a count whose post still saw the request open is committed by then. A pair that the run has read is
 * newer than the count posted before: the pair keeps the value that was read, and the posted count is settled with it.
 *
 * @returns how many counts were staged or settled with a read pair
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
 * Marks the posted counts that a run staged as settled, whether the run was applied or discarded; a count posted since
 * then stays open. The rows are locked in the order in which `acceptCounts` writes them.
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

/**
 * Moves an integration's push status, if it is in a state from which the event moves it.
 *
 * @returns whose it is, and the status before; undefined when nothing was moved
 */
export async function movePushStatus(
  tx: Transaction,
  id: string,
  move: Move<PushStatus>,
): Promise<(Pick<IntegrationRow, 'id' | 'organizationId' | 'vendor'> & { before: PushStatus }) | undefined> {
  const [row] = await tx
    .select()
    .from(integration)
    .where(and(eq(integration.id, id), mayMove(integration.pushStatus, move)))
    .for('no key update');
  if (!row) return undefined;
  await storePushStatus(tx, id, { pushStatus: move.to });
  return { ...row, before: row.pushStatus };
}

/** Whether this integration has a key that is neither revoked nor expired. */
export async function hasKeyInForce(db: Queryable, integrationId: string): Promise<boolean> {
  const rows = await db
    .select({ id: integrationKey.id })
    .from(integrationKey)
    .where(and(eq(integrationKey.integrationId, integrationId), inForce))
    .limit(1);
  return rows.length > 0;
}

/**
 * Changes the intake of an integration. Counts that arrived by the previous intake stay, marked as not reported since
 * now: the new intake will show whether they are still correct.
 */
export async function storeIntake(tx: Transaction, integrationId: string, intake: 'push' | 'pull'): Promise<void> {
  await tx.update(integration).set({ intake }).where(eq(integration.id, integrationId));
  await tx
    .update(usageCount)
    .set({ notReportedSince: sql`coalesce(${usageCount.notReportedSince}, now())` })
    .where(and(eq(usageCount.integrationId, integrationId), ne(usageCount.source, intake)));
}

/** Whether the vendor has accepted the key and the integration has a linked vendor account. */
export async function hasAcceptedAndLinked(db: Queryable, integrationId: string): Promise<boolean> {
  const rows = await db
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
  return rows.length > 0;
}
