/** Sync requests, and the runs that they become. */
import { and, asc, desc, eq, gte, isNull, lt, or, sql } from 'drizzle-orm';
import { addIncomplete, type Acceptance } from '../../domain/incomplete.ts';
import { syncRunMoves } from '../../domain/transitions.ts';
import type { Database, Queryable, Transaction } from '../client.ts';
import { integration, pushedCount, syncRequest, syncRun } from '../schema/index.ts';
import { lockProcess, reopenSteps, startRound, type ProcessRef } from './process.ts';
import { mayMove } from './mayMove.ts';

export type SyncRunRow = typeof syncRun.$inferSelect;

/** Runs of one customer (an onboarding's) are none of the sync process. */
const ofAll = isNull(syncRun.vendorAccountId);

/**
 * Asks for a sync, or for the release of a held run, or (`push`) for a sync of what was posted, of which one is open at most.
 *
 * @param request.onceKey asks once however often it is called with the same key
 * @returns false when it was asked for before
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
