/** Sync requests, and the runs that carry them out. */
import { and, asc, desc, eq, gte, isNull, lt, or, sql } from 'drizzle-orm';
import { addIncomplete, type Acceptance } from '../../domain/incomplete.ts';
import { syncRunMoves } from '../../domain/transitions.ts';
import type { Database, Queryable, Transaction } from '../client.ts';
import { integration, pushedCount, syncRequest, syncRun } from '../schema/index.ts';
import { lockProcess, reopenSteps, startRound, type ProcessRef } from './process.ts';
import { mayMove } from './mayMove.ts';

export type SyncRunRow = typeof syncRun.$inferSelect;

/** Selects the runs of the sync process: runs that read one customer belong to an onboarding and are excluded. */
const ofAll = isNull(syncRun.vendorAccountId);

/**
 * Requests a sync, or the release of a held run, or (`push`) a sync of the posted counts; at most one `push` request is
 * open at a time.
 *
 * @param request.onceKey calls with the same key make only one request
 * @returns false when the request was already made
 */
export async function insertSyncRequest(
  tx: Queryable,
  integrationId: string,
  request: { requestedBy: string; onceKey?: string; releaseRunId?: string; kind?: 'push' },
): Promise<boolean> {
  const asked = await tx
    .insert(syncRequest)
    .values({ integrationId, kind: request.releaseRunId ? 'release' : 'sync', ...request })
    .onConflictDoNothing()
    .returning({ id: syncRequest.id });
  return asked.length > 0;
}

/**
 * Claims the run to work on: the run under way; else a released run, reopened at the step where it was held; else one
 * new run for all open requests; else undefined. The integration's process row is locked, so that two claims at once
 * make only one run.
 */
export async function claimSyncRun(db: Database, ref: ProcessRef): Promise<string | undefined> {
  return db.transaction(async (tx) => {
    await lockProcess(tx, ref);
    const [running] = await tx
      .select({ id: syncRun.id })
      .from(syncRun)
      // Selected by `finishedAt`, not by state: a run that is already applied still has to be closed.
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
    // Only the requests that this transaction read as open: a request that commits later gets a run of its own.
    for (const request of open) {
      await tx.update(syncRequest).set({ runId: run.id }).where(eq(syncRequest.id, request.id));
    }
    await startRound(tx, { ...ref, round: run.id }, await skippedSteps(tx, ref.id, open));
    return run.id;
  });
}

/**
 * The steps that a new run skips. A run of a `pull` integration does not wait for counts, but waits for the end of a
 * burst of posts that has begun. A run of a `push` integration waits for the integration's first counts; later it waits
 * only if the counts themselves requested the run: a person who requests a sync gets what is known now.
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

/** Whether a count was posted that no run has settled. */
async function hasOpenCounts(db: Queryable, integrationId: string): Promise<boolean> {
  const rows = await db
    .select({ id: pushedCount.serviceId })
    .from(pushedCount)
    .where(and(eq(pushedCount.integrationId, integrationId), isNull(pushedCount.runId)))
    .limit(1);
  return rows.length > 0;
}

/** Reopens the held run at its `apply` step; if the run is no longer held, the request is void. */
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

/** Takes over a run: the previous attempt may no longer stage rows. */
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
 * Opens or restarts the run that reads one customer: its counts are as of now, and the previous attempt may no longer
 * stage rows.
 *
 * @param options.goesOn continues with what the previous attempt has read; the counts stay as of when the run began
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

/** Finds the run that reads this customer and is not finished. */
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

/**
 * Moves the run's cursor in the transaction of the rows it describes.
 *
 * @returns false when another attempt has taken over
 */
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

/**
 * Stores with a run what was wrong with the incomplete lists that it read and a person accepted. Empties `found.lists`.
 */
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

/** Marks held runs as superseded when a newer complete run makes them void. @returns their ids */
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

/** Whether a run was applied since the integration was connected, or reconnected if it was disconnected meanwhile. */
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

/** When the newest applied run finished. */
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
 * A page of runs, newest first.
 *
 * @param page.before id of the last run of the previous page: a time alone would lose runs that began at the same
 *   moment
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

/**
 * Discards a disconnected integration's runs that are not visible yet, and deletes its open requests.
 *
 * @returns the ids of the discarded runs
 */
export async function endRuns(tx: Queryable, integrationId: string): Promise<string[]> {
  const rows = await tx
    .update(syncRun)
    // The attempt that is running now may no longer stage rows.
    .set({ state: syncRunMoves.drop.to, finishedAt: sql`now()`, attempt: sql`${syncRun.attempt} + 1` })
    .where(and(eq(syncRun.integrationId, integrationId), mayMove(syncRun.state, syncRunMoves.drop)))
    .returning({ id: syncRun.id });
  // Closes runs that are applied but not closed: no process will close them, and `claimSyncRun` continues an unfinished
  // run.
  await tx
    .update(syncRun)
    .set({ finishedAt: sql`now()` })
    .where(and(eq(syncRun.integrationId, integrationId), eq(syncRun.state, 'applied'), isNull(syncRun.finishedAt)));
  await tx.delete(syncRequest).where(and(eq(syncRequest.integrationId, integrationId), isNull(syncRequest.runId)));
  return rows.map((row) => row.id);
}

/** Discards a held run. @returns false when the run is no longer held */
export async function discardRun(tx: Queryable, id: string): Promise<boolean> {
  const rows = await tx
    .update(syncRun)
    .set({ state: syncRunMoves.discard.to, finishedAt: sql`now()` })
    .where(and(eq(syncRun.id, id), mayMove(syncRun.state, syncRunMoves.discard)))
    .returning({ id: syncRun.id });
  return rows.length > 0;
}
