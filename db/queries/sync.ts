/** Sync requests, runs, and what a run makes visible. */
import { and, asc, desc, eq, gte, isNull, lt, or, sql } from 'drizzle-orm';
import { addIncomplete, type Acceptance } from '../../domain/incomplete.ts';
import type { CountPair } from '../../domain/countPair.ts';
import type { PairQuantity } from '../../domain/swingGuard.ts';
import { syncRunMoves } from '../../domain/transitions.ts';
import type { Database, Queryable, Transaction } from '../client.ts';
import { integration, pushedCount, stagingRow, syncRequest, syncRun, usageCount } from '../schema/index.ts';
import { lockProcess, reopenSteps, startRound, type ProcessRef } from './process.ts';
import { stagedCountIdOf } from './staging.ts';
import { mayMove } from './mayMove.ts';

export type SyncRunRow = typeof syncRun.$inferSelect;

/** Runs of one customer (an onboarding's) are none of the sync process. */
const ofAll = isNull(syncRun.vendorAccountId);

/**
 * Asks for a sync, or for the release of a held run.
 *
 * @param request.onceKey asks once however often it is called with the same key
 */
export async function insertSyncRequest(
  tx: Queryable,
  integrationId: string,
  request: { requestedBy: string; onceKey?: string; releaseRunId?: string },
): Promise<void> {
  await tx
    .insert(syncRequest)
    .values({
      integrationId,
      requestedBy: request.requestedBy,
      onceKey: request.onceKey ?? null,
      kind: request.releaseRunId ? 'release' : 'sync',
      releaseRunId: request.releaseRunId ?? null,
    })
    .onConflictDoNothing();
}

/**
 * The run under way; else a released one, opened again where it was held; else all open requests as one new run; else
 * undefined. The integration's process row is locked, so two claims at once make one run.
 */
export async function claimSyncRun(db: Database, ref: ProcessRef): Promise<string | undefined> {
  return db.transaction(async (tx) => {
    await lockProcess(tx, ref);
    const [running] = await tx
      .select({ id: syncRun.id })
      .from(syncRun)
      // Not by its state: a run that is applied already still has to be closed.
      .where(and(eq(syncRun.integrationId, ref.id), ofAll, isNull(syncRun.finishedAt)))
      .limit(1);
    if (running) return running.id;
    const open = await tx
      .select()
      .from(syncRequest)
      .where(and(eq(syncRequest.integrationId, ref.id), isNull(syncRequest.runId)))
      .orderBy(asc(syncRequest.createdAt));
    const release = open.find((request) => request.kind === 'release');
    if (release) return claimRelease(tx, ref, release);
    if (open.length === 0) return undefined;
    const [run] = await tx.insert(syncRun).values({ integrationId: ref.id }).returning({ id: syncRun.id });
    if (!run) throw new Error('The sync run was not stored.');
    // Only what was open when this transaction looked: a request that commits later gets a run of its own.
    for (const request of open) {
      await tx.update(syncRequest).set({ runId: run.id }).where(eq(syncRequest.id, request.id));
    }
    await startRound(tx, { ...ref, round: run.id }, await skippedSteps(tx, ref.id, open));
    return run.id;
  });
}

/**
 * A run that pulls waits for no counts, but for the end of a burst that has begun. One of a vendor that pushes waits for
 * the first ones there ever are, and later only if it is the counts that asked for it: a person who asks gets what is
 * known now.
 */
async function skippedSteps(
  tx: Transaction,
  integrationId: string,
  open: readonly { kind: string }[],
): Promise<string[]> {
  const [row] = await tx
    .select({ intake: integration.intake, modules: integration.modules })
    .from(integration)
    .where(eq(integration.id, integrationId));
  const derives = row?.intake === 'pull' && row.modules.includes('alerts');
  return [...(await skippedWaits(tx, integrationId, row?.intake, open)), ...(derives ? [] : ['deriveAlerts'])];
}

async function skippedWaits(
  tx: Transaction,
  integrationId: string,
  intake: 'push' | 'pull' | undefined,
  open: readonly { kind: string }[],
): Promise<string[]> {
  if (await hasOpenCounts(tx, integrationId)) return ['counts'];
  if (intake !== 'push') return ['counts', 'quiet'];
  return open.every((request) => request.kind === 'push') || (await hasRunThatCounts(tx, integrationId))
    ? ['counts', 'quiet']
    : [];
}

/** Whether a number was posted that no run has made visible. */
async function hasOpenCounts(db: Queryable, integrationId: string): Promise<boolean> {
  const rows = await db
    .select({ id: pushedCount.serviceId })
    .from(pushedCount)
    .where(and(eq(pushedCount.integrationId, integrationId), isNull(pushedCount.runId)))
    .limit(1);
  return rows.length > 0;
}

/** Opens the held run again at its `apply` step; a run that is no longer held makes the request void. */
async function claimRelease(
  tx: Transaction,
  ref: ProcessRef,
  request: typeof syncRequest.$inferSelect,
): Promise<string | undefined> {
  const runId = request.releaseRunId;
  await tx.update(syncRequest).set({ runId }).where(eq(syncRequest.id, request.id));
  if (!runId) return undefined;
  const [run] = await tx
    .update(syncRun)
    .set({ state: syncRunMoves.release.to, finishedAt: null })
    .where(and(eq(syncRun.id, runId), eq(syncRun.integrationId, ref.id), mayMove(syncRun.state, syncRunMoves.release)))
    .returning({ id: syncRun.id });
  if (!run) return undefined;
  await startRound(tx, { ...ref, round: runId });
  await reopenSteps(tx, { ...ref, round: runId, steps: ['apply', 'close'] });
  return runId;
}

export async function readSyncRun(db: Queryable, id: string): Promise<SyncRunRow> {
  const [row] = await db.select().from(syncRun).where(eq(syncRun.id, id));
  if (!row) throw new Error(`There is no sync run ${id}.`);
  return row;
}

/** Takes over a run: the attempt before this one may stage nothing any more. */
export async function takeOverRun(db: Queryable, id: string): Promise<SyncRunRow> {
  const [row] = await db
    .update(syncRun)
    .set({ attempt: sql`${syncRun.attempt} + 1` })
    .where(eq(syncRun.id, id))
    .returning();
  if (!row) throw new Error(`There is no sync run ${id}.`);
  return row;
}

/**
 * The run that reads one customer, begun anew: what it reads is as of now, and the attempt before it may stage nothing
 * any more.
 *
 * @param options.goesOn with what the attempt before it has read: as of when it began
 */
export async function openCustomerRun(
  db: Database,
  key: { integrationId: string; vendorAccountId: string },
  options: { goesOn: boolean } = { goesOn: false },
): Promise<SyncRunRow> {
  const of = and(
    eq(syncRun.integrationId, key.integrationId),
    eq(syncRun.vendorAccountId, key.vendorAccountId),
    isNull(syncRun.finishedAt),
  );
  const [open] = await db
    .update(syncRun)
    .set({ attempt: sql`${syncRun.attempt} + 1`, ...(options.goesOn ? {} : { startedAt: sql`now()` }) })
    .where(of)
    .returning();
  if (open) return open;
  const [made] = await db.insert(syncRun).values(key).returning();
  if (!made) throw new Error('The sync run was not stored.');
  return made;
}

/** The run that has read this customer and is not visible yet. */
export async function findCustomerRun(
  db: Queryable,
  key: { integrationId: string; vendorAccountId: string },
): Promise<SyncRunRow | undefined> {
  const [row] = await db
    .select()
    .from(syncRun)
    .where(
      and(
        eq(syncRun.integrationId, key.integrationId),
        eq(syncRun.vendorAccountId, key.vendorAccountId),
        isNull(syncRun.finishedAt),
      ),
    );
  return row;
}

/** Moves the cursor with the rows it describes. @returns false when another attempt has taken over */
export async function moveRunCursor(
  tx: Queryable,
  run: { id: string; attempt: number },
  cursor: string,
): Promise<boolean> {
  const moved = await tx
    .update(syncRun)
    .set({ cursor })
    .where(and(eq(syncRun.id, run.id), eq(syncRun.attempt, run.attempt)))
    .returning({ id: syncRun.id });
  return moved.length > 0;
}

export async function updateRun(
  tx: Queryable,
  id: string,
  change: Partial<Pick<SyncRunRow, 'figures' | 'guard'>> & { state?: 'applied' | 'held'; finished?: boolean },
): Promise<void> {
  const { finished, ...columns } = change;
  await tx
    .update(syncRun)
    .set({ ...columns, ...(finished ? { finishedAt: sql`now()` } : {}) })
    .where(and(eq(syncRun.id, id), change.state && mayMove(syncRun.state, syncRunMoves[change.state])));
}

/** Keeps with a run what was wrong with the lists it read, which a person took so; what is kept is taken out of `found`. */
export async function noteIncomplete(
  tx: Queryable,
  id: string,
  found: { acceptance: Acceptance; lists: string[] } | undefined,
): Promise<void> {
  if (!found || found.lists.length === 0) return;
  const { incomplete } = await readSyncRun(tx, id);
  await tx
    .update(syncRun)
    .set({ incomplete: addIncomplete(incomplete, found.acceptance, found.lists.splice(0)) })
    .where(eq(syncRun.id, id));
}

/** Held runs that a newer complete run makes void. */
export async function supersedeHeldRuns(
  tx: Transaction,
  integrationId: string,
  startedBefore: Date,
): Promise<string[]> {
  const rows = await tx
    .update(syncRun)
    .set({ state: syncRunMoves.supersede.to, finishedAt: sql`now()` })
    .where(
      and(
        eq(syncRun.integrationId, integrationId),
        mayMove(syncRun.state, syncRunMoves.supersede),
        lt(syncRun.startedAt, startedBefore),
      ),
    )
    .returning({ id: syncRun.id });
  return rows.map((row) => row.id);
}

/** Whether any run of this integration was ever applied. */
export async function hasAppliedRun(db: Queryable, integrationId: string): Promise<boolean> {
  const rows = await db
    .select({ id: syncRun.id })
    .from(syncRun)
    .where(and(eq(syncRun.integrationId, integrationId), ofAll, eq(syncRun.state, 'applied')))
    .limit(1);
  return rows.length > 0;
}

/** Whether a run was made visible since the integration was connected, again if it was disconnected meanwhile. */
async function hasRunThatCounts(tx: Transaction, integrationId: string): Promise<boolean> {
  const rows = await tx
    .select({ id: syncRun.id })
    .from(syncRun)
    .innerJoin(integration, eq(integration.id, syncRun.integrationId))
    .where(
      and(
        eq(syncRun.integrationId, integrationId),
        ofAll,
        eq(syncRun.state, 'applied'),
        or(isNull(integration.countsFrom), gte(syncRun.startedAt, integration.countsFrom)),
      ),
    )
    .limit(1);
  return rows.length > 0;
}

/** When a run was applied last. */
export async function lastAppliedAt(db: Queryable, integrationId: string): Promise<Date | undefined> {
  const [row] = await db
    .select({ finishedAt: syncRun.finishedAt })
    .from(syncRun)
    .where(and(eq(syncRun.integrationId, integrationId), ofAll, eq(syncRun.state, 'applied')))
    .orderBy(desc(syncRun.startedAt))
    .limit(1);
  return row?.finishedAt ?? undefined;
}

/**
 * The counts that are visible now.
 *
 * @param vendorAccountId of this customer; absent = of all
 */
export async function listUsage(
  db: Queryable,
  integrationId: string,
  vendorAccountId?: string,
): Promise<PairQuantity[]> {
  return db
    .select({
      vendorAccountId: usageCount.vendorAccountId,
      serviceId: usageCount.serviceId,
      quantity: usageCount.quantity,
    })
    .from(usageCount)
    .where(
      and(
        eq(usageCount.integrationId, integrationId),
        vendorAccountId === undefined ? undefined : eq(usageCount.vendorAccountId, vendorAccountId),
      ),
    );
}

/** The counts a run has staged. */
export async function listStagedUsage(db: Queryable, runId: string): Promise<PairQuantity[]> {
  return db
    .select({
      vendorAccountId: sql<string>`data->>'accountId'`,
      serviceId: sql<string>`data->>'service'`,
      quantity: sql<number | null>`(data->>'quantity')::float8`,
    })
    .from(stagingRow)
    .where(and(eq(stagingRow.runId, runId), eq(stagingRow.entity, 'count')));
}

/** Vendor's names of the services that a run has staged counts of. */
export async function listStagedServices(db: Queryable, runId: string): Promise<string[]> {
  const rows = await db
    .selectDistinct({ service: sql<string>`data->>'service'` })
    .from(stagingRow)
    .where(and(eq(stagingRow.runId, runId), eq(stagingRow.entity, 'count')));
  return rows.map(({ service }) => service);
}

/**
 * Stages a zero for every visible pair that a complete run did not count, of the accounts it read and of those that are
 * gone; not for one that was posted, of which what is read says nothing. The guard sees them like any other number.
 *
 * @param gone linked accounts that the vendor no longer lists; their pairs are marked, so that a person looks at them
 */
export async function stageZeroes(
  tx: Transaction,
  integrationId: string,
  runId: string,
  gone: readonly string[],
): Promise<void> {
  await tx.execute(sql`
    insert into staging_row (run_id, entity, id, data)
    select ${runId}::uuid, 'count', ${stagedCountIdOf(sql`u.vendor_account_id`, sql`u.service_id`)},
           jsonb_build_object('accountId', u.vendor_account_id, 'service', u.service_id, 'quantity', 0, 'parts', '[]'::jsonb,
                              'gone', g.id is not null)
      from usage_count u
      left join jsonb_array_elements_text(${JSON.stringify(gone)}::jsonb) as g(id) on g.id = u.vendor_account_id
     where u.integration_id = ${integrationId} and u.quantity is not null and u.source = 'pull'
       and (g.id is not null
            or exists (select from staging_row r where r.run_id = ${runId} and r.entity = 'read' and r.id = u.vendor_account_id))
       and not exists (select from staging_row c
                        where c.run_id = ${runId} and c.entity = 'count'
                          and c.data->>'accountId' = u.vendor_account_id and c.data->>'service' = u.service_id)
    on conflict do nothing`);
}

/**
 * Drops of what a run staged from lists that were not whole every count that would not raise its pair or add one: such a
 * run never lowers and never zeroes (invariant 3). What the vendor sent stays: a posted number speaks for its own pair.
 */
export async function dropLowering(tx: Transaction, integrationId: string, runId: string): Promise<void> {
  await tx.execute(sql`
    delete from staging_row s
     where s.run_id = ${runId} and s.entity = 'count' and coalesce(s.data->>'source', 'pull') = 'pull'
       and (s.data->>'quantity')::float8 <= coalesce((
             select u.quantity from usage_count u
              where u.integration_id = ${integrationId} and u.vendor_account_id = s.data->>'accountId'
                and u.service_id = s.data->>'service'), 0)`);
}

/**
 * Makes a complete run's counts visible; or, of one whose lists were not whole, what `dropLowering` left. A pair the run did not read keeps its value and becomes *not reported since*:
 * absence never lowers (invariant 2).
 *
 * @param heldPairs pairs beyond the integration's limit: their cards are checked first
 */
export async function applyUsage(
  tx: Transaction,
  integrationId: string,
  runId: string,
  heldPairs: readonly CountPair[],
): Promise<void> {
  const held = JSON.stringify(heldPairs);
  await tx.execute(sql`
    insert into usage_count (integration_id, vendor_account_id, service_id, quantity, parts, source, run_id, as_of, swing, not_reported_since)
    select ${integrationId}::uuid, s.data->>'accountId', s.data->>'service', (s.data->>'quantity')::float8, s.data->'parts',
           coalesce(s.data->>'source', 'pull'), ${runId}::uuid, r.started_at,
           exists (select from jsonb_to_recordset(${held}::jsonb) as h("vendorAccountId" text, "serviceId" text)
                    where h."vendorAccountId" = s.data->>'accountId' and h."serviceId" = s.data->>'service'),
           case when (s.data->>'gone')::boolean then r.started_at end
      from staging_row s join sync_run r on r.id = s.run_id
     where s.run_id = ${runId} and s.entity = 'count'
    on conflict (integration_id, vendor_account_id, service_id) do update
       set quantity = excluded.quantity, parts = excluded.parts, source = excluded.source, run_id = excluded.run_id,
           as_of = excluded.as_of, swing = excluded.swing,
           -- Since when it is gone, not since when it was last found gone.
           not_reported_since = case when excluded.not_reported_since is null then null
                                     else coalesce(usage_count.not_reported_since, excluded.not_reported_since) end
     -- A customer that was read by itself meanwhile is known better than this run knows it.
     where usage_count.as_of <= excluded.as_of`);
  // A run that reads speaks of what is read; counts that were sent speak of all. A run without any says nothing.
  await tx.execute(sql`
    update usage_count u set not_reported_since = r.started_at
      from sync_run r join integration i on i.id = r.integration_id
     where r.id = ${runId} and r.incomplete is null
       and u.integration_id = ${integrationId} and u.run_id is distinct from r.id
       and u.not_reported_since is null and u.as_of <= r.started_at
       and (r.vendor_account_id is null or r.vendor_account_id = u.vendor_account_id)
       and not exists (select from staging_row s where s.run_id = r.id and s.entity = 'unread' and s.id = u.vendor_account_id)
       and (i.intake = 'pull' and u.source = 'pull'
            or exists (select from staging_row s where s.run_id = r.id and s.data->>'source' = 'push' and s.entity = 'count'))`);
  await noteUnread(tx, integrationId, runId);
  await tx.execute(sql`
    update vendor_account a set user_types = s.data->'counts'
      from staging_row s
     where s.run_id = ${runId} and s.entity = 'userTypes' and a.integration_id = ${integrationId} and a.id = s.data->>'accountId'`);
}

/** Notes which customers a run could not read, since when and why; and of the others that they could be read. */
async function noteUnread(tx: Transaction, integrationId: string, runId: string): Promise<void> {
  const staged = (entity: string) =>
    sql`exists (select from staging_row s where s.run_id = ${runId} and s.entity = ${entity} and s.id = a.id)`;
  await tx.execute(sql`
    update vendor_account a set unread_since = null, unread_why = null
      from sync_run r
     where r.id = ${runId} and a.integration_id = ${integrationId} and a.unread_since is not null
       and (${staged('read')} or (r.vendor_account_id is null and r.incomplete is null and not ${staged('unread')}))`);
  await tx.execute(sql`
    update vendor_account a set unread_since = coalesce(a.unread_since, r.started_at), unread_why = s.data->>'why'
      from staging_row s join sync_run r on r.id = s.run_id
     where s.run_id = ${runId} and s.entity = 'unread' and a.integration_id = ${integrationId} and a.id = s.id
       and not ${staged('read')}`);
}

/**
 * A page of runs, newest first.
 *
 * @param page.before id of the last run of the page before: a time alone would lose runs of one moment
 */
export async function listSyncRuns(
  db: Queryable,
  integrationId: string,
  page: { before?: string | undefined; limit: number },
) {
  return db
    .select()
    .from(syncRun)
    .where(
      and(
        eq(syncRun.integrationId, integrationId),
        ofAll,
        page.before
          ? sql`(${syncRun.startedAt}, ${syncRun.id}) < (select r.started_at, r.id from sync_run r where r.id = ${page.before})`
          : undefined,
      ),
    )
    .orderBy(desc(syncRun.startedAt), desc(syncRun.id))
    .limit(page.limit);
}

export async function findSyncRun(db: Queryable, organizationId: string, id: string): Promise<SyncRunRow | undefined> {
  const [row] = await db
    .select({ run: syncRun })
    .from(syncRun)
    .innerJoin(integration, eq(integration.id, syncRun.integrationId))
    .where(and(eq(integration.organizationId, organizationId), eq(syncRun.id, id)));
  return row?.run;
}

/** Discards what an integration has not made visible, and takes its open requests back: it was disconnected. @returns what was discarded */
export async function endRuns(tx: Queryable, integrationId: string): Promise<string[]> {
  const rows = await tx
    .update(syncRun)
    // The attempt at work now may stage nothing any more.
    .set({ state: syncRunMoves.drop.to, finishedAt: sql`now()`, attempt: sql`${syncRun.attempt} + 1` })
    .where(and(eq(syncRun.integrationId, integrationId), mayMove(syncRun.state, syncRunMoves.drop)))
    .returning({ id: syncRun.id });
  // Made visible and not closed yet: nobody will, and a run that is not over is the one to go on with.
  await tx
    .update(syncRun)
    .set({ finishedAt: sql`now()` })
    .where(and(eq(syncRun.integrationId, integrationId), eq(syncRun.state, 'applied'), isNull(syncRun.finishedAt)));
  await tx.delete(syncRequest).where(and(eq(syncRequest.integrationId, integrationId), isNull(syncRequest.runId)));
  return rows.map((row) => row.id);
}

/** @returns false when the run is not held any more */
export async function discardRun(tx: Queryable, id: string): Promise<boolean> {
  const rows = await tx
    .update(syncRun)
    .set({ state: syncRunMoves.discard.to, finishedAt: sql`now()` })
    .where(and(eq(syncRun.id, id), mayMove(syncRun.state, syncRunMoves.discard)))
    .returning({ id: syncRun.id });
  return rows.length > 0;
}
