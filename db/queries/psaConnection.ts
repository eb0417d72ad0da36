import { and, desc, eq, sql, type SQLWrapper } from 'drizzle-orm';
import { addIncomplete, type Acceptance } from '../../domain/incomplete.ts';
import { maxDecimals } from '../../domain/quantities.ts';
import type { PsaCaps } from '../../domain/psaCaps.ts';
import { psaRefreshMoves } from '../../domain/transitions.ts';
import type { Database, Queryable, Transaction } from '../client.ts';
import { psaConnection, psaRefresh, stagingRow, type PsaSettings } from '../schema/index.ts';
import { among } from './among.ts';
import { mayMove } from './mayMove.ts';
import { createProcess, startRound, type ProcessRef } from './process.ts';
import { dropToken } from './psaToken.ts';
import { hasOpenNeed } from './processNeed.ts';
import { dropStaged } from './staging.ts';

export type PsaConnectionRow = typeof psaConnection.$inferSelect;

export async function findPsaConnection(
  db: Queryable,
  organizationId: string,
  id: string,
): Promise<PsaConnectionRow | undefined> {
  const [row] = await db
    .select()
    .from(psaConnection)
    .where(and(eq(psaConnection.organizationId, organizationId), eq(psaConnection.id, id)));
  return row;
}

/** Locks the connection until the transaction ends, so that approvals of one connection are made one after another. */
export async function lockPsaConnection(
  tx: Transaction,
  organizationId: string,
  id: string,
): Promise<PsaConnectionRow | undefined> {
  const [row] = await tx
    .select()
    .from(psaConnection)
    .where(and(eq(psaConnection.organizationId, organizationId), eq(psaConnection.id, id)))
    .for('no key update');
  return row;
}

/** Reads a PSA connection by its id alone, for activities, which hold only ids of their own process. */
export async function readPsaConnection(db: Queryable, id: string): Promise<PsaConnectionRow> {
  const [row] = await db.select().from(psaConnection).where(eq(psaConnection.id, id));
  if (!row) throw new Error(`There is no PSA connection ${id}.`);
  return row;
}

export async function listPsaConnections(db: Queryable, organizationId: string): Promise<PsaConnectionRow[]> {
  return db
    .select()
    .from(psaConnection)
    .where(eq(psaConnection.organizationId, organizationId))
    .orderBy(psaConnection.createdAt, psaConnection.id);
}

/**
 * Creates the connection and its `refreshPsa` process. The caller chooses `id`, because the credentials are bound to
 * it.
 */
export async function insertPsaConnection(
  tx: Transaction,
  organizationId: string,
  row: {
    id: string;
    kind: string;
    name: string;
    settings: PsaSettings;
    credentials: string;
    credentialsExpireOn?: string | null;
  },
): Promise<PsaConnectionRow> {
  const [created] = await tx
    .insert(psaConnection)
    .values({ ...row, organizationId })
    .returning();
  if (!created) throw new Error('The PSA connection was not stored.');
  await createProcess(tx, organizationId, { kind: 'refreshPsa', id: row.id });
  return created;
}

/** Stores the rights that the PSA shows, and what its connector says that it can do. */
export async function storePermissions(tx: Queryable, id: string, permissions: unknown, caps: PsaCaps): Promise<void> {
  await tx
    .update(psaConnection)
    .set({ permissions, caps, permissionsAt: sql`now()` })
    .where(eq(psaConnection.id, id));
}

export async function storeAlertPermissions(
  tx: Queryable,
  id: string,
  found: Partial<Pick<PsaConnectionRow, 'alertPermissions' | 'ticketOptions'>>,
): Promise<void> {
  await tx
    .update(psaConnection)
    .set({ ...found, alertPermissionsAt: sql`now()` })
    .where(eq(psaConnection.id, id));
}

/** Stores a connection's credentials; the token that the old ones gave is gone. @param expireOn the day on which the credentials expire, if it is known */
export async function storePsaCredentials(
  tx: Queryable,
  id: string,
  credentials: string,
  expireOn: string | null,
): Promise<void> {
  await tx
    .update(psaConnection)
    .set({ credentials, credentialsAt: sql`now()`, credentialsExpireOn: expireOn })
    .where(eq(psaConnection.id, id));
  await dropToken(tx, id);
}

export async function storeWritesEnabled(tx: Queryable, id: string, writesEnabled: boolean): Promise<void> {
  await tx.update(psaConnection).set({ writesEnabled }).where(eq(psaConnection.id, id));
}

/** The decimals of a quantity that the PSA keeps; without a setting, as many as Countersign keeps. */
export function quantityDecimalsOf({ settings }: Pick<PsaConnectionRow, 'settings'>): number {
  return settings.quantityDecimals ?? maxDecimals;
}

/**
 * SQL for a quantity as the PSA of a connection keeps it, like `roundHalfUp` in domain/quantities.ts: rounded first to
 * four decimals, so that the inexactness of binary fractions makes no difference.
 */
export const keptBy = (psaConnectionId: string) => (quantity: SQLWrapper) => sql`
  round(round(${quantity}::numeric, ${sql.raw(`${maxDecimals}`)}),
        (select coalesce((settings ->> 'quantityDecimals')::int, ${sql.raw(`${maxDecimals}`)})
           from psa_connection where id = ${psaConnectionId}))`;

export async function storePsaSettings(tx: Queryable, id: string, settings: PsaSettings): Promise<void> {
  await tx.update(psaConnection).set({ settings }).where(eq(psaConnection.id, id));
}

/** Records that a person requests a new read of the connection's rights and data. */
export async function requestRefresh(tx: Queryable, id: string): Promise<void> {
  await tx
    .update(psaConnection)
    .set({ refreshRequestedAt: sql`now()` })
    .where(eq(psaConnection.id, id));
}

/**
 * Claims the refresh to work on: the refresh under way; else a new one if a process needs it or a person requested it;
 * else undefined.
 *
 * The connection's row is locked, so that two claims at once make only one round.
 */
export async function claimRefresh(db: Database, ref: ProcessRef): Promise<string | undefined> {
  return db.transaction(async (tx) => {
    const [connection] = await tx.select().from(psaConnection).where(eq(psaConnection.id, ref.id)).for('update');
    if (!connection) return undefined;
    const [newest] = await tx
      .select()
      .from(psaRefresh)
      .where(eq(psaRefresh.psaConnectionId, ref.id))
      .orderBy(desc(psaRefresh.startedAt))
      .limit(1);
    if (newest?.state === 'running') return newest.id;
    const asked = connection.refreshRequestedAt && (!newest || newest.startedAt < connection.refreshRequestedAt);
    if (!asked && !(await hasOpenNeed(tx, ref))) return undefined;
    const [created] = await tx.insert(psaRefresh).values({ psaConnectionId: ref.id }).returning({ id: psaRefresh.id });
    if (!created) throw new Error('The refresh was not stored.');
    await startRound(tx, { ...ref, round: created.id });
    return created.id;
  });
}

/** Takes over a refresh: the previous attempt may no longer stage rows. */
export async function takeOverRefresh(db: Queryable, id: string) {
  const [row] = await db
    .update(psaRefresh)
    .set({ attempt: sql`${psaRefresh.attempt} + 1` })
    .where(eq(psaRefresh.id, id))
    .returning();
  if (!row) throw new Error(`There is no refresh ${id}.`);
  return row;
}

/**
 * Deletes the rows that a refresh has staged, unless another attempt has taken over. Called after a permanent error:
 * the staged rows may include the cause of the error, so the next attempt reads everything anew.
 */
export async function restartRefresh(db: Database, refresh: { id: string; attempt: number }): Promise<void> {
  await db.transaction(async (tx) => {
    const restarted = await tx
      .update(psaRefresh)
      .set({ cursor: {}, incomplete: null })
      .where(and(eq(psaRefresh.id, refresh.id), eq(psaRefresh.attempt, refresh.attempt)))
      .returning({ id: psaRefresh.id });
    if (restarted.length > 0) await dropStaged(tx, refresh.id);
  });
}

/**
 * Stores with a refresh what was wrong with the incomplete lists that it read and a person accepted. Empties
 * `found.lists`.
 *
 * @param agreementIds the agreements whose lines were in the lists; null = the lists concern every account
 */
export async function noteIncompleteRefresh(
  tx: Transaction,
  id: string,
  found: { acceptance: Acceptance; lists: string[] } | undefined,
  agreementIds: readonly string[] | null,
): Promise<void> {
  if (!found || found.lists.length === 0) return;
  const [row] = await tx.select({ before: psaRefresh.incomplete }).from(psaRefresh).where(eq(psaRefresh.id, id));
  const before = row?.before ?? null;
  const read = addIncomplete(before, found.acceptance, found.lists.splice(0));
  if (!read) return;
  let accounts: string[] | null = null;
  if (agreementIds !== null && before?.accounts !== null) {
    const rows = await tx
      .selectDistinct({ id: sql<string>`data->>'account_id'` })
      .from(stagingRow)
      .where(and(eq(stagingRow.runId, id), eq(stagingRow.entity, 'agreement'), among(stagingRow.id, agreementIds)));
    accounts = [...new Set([...(before?.accounts ?? []), ...rows.map((account) => account.id)])];
  }
  await tx
    .update(psaRefresh)
    .set({ incomplete: { ...read, accounts } })
    .where(eq(psaRefresh.id, id));
}

/**
 * Moves the refresh's cursor in the transaction of the rows it describes.
 *
 * @returns false when another attempt has taken over
 */
export async function moveRefreshCursor(
  tx: Queryable,
  refresh: { id: string; attempt: number },
  cursor: Record<string, string>,
): Promise<boolean> {
  const moved = await tx
    .update(psaRefresh)
    .set({ cursor: sql`${psaRefresh.cursor} || ${JSON.stringify(cursor)}::jsonb` })
    .where(and(eq(psaRefresh.id, refresh.id), eq(psaRefresh.attempt, refresh.attempt)))
    .returning({ id: psaRefresh.id });
  return moved.length > 0;
}

export async function closeRefresh(tx: Transaction, id: string, figures: Record<string, number>): Promise<Date> {
  const [row] = await tx
    .update(psaRefresh)
    .set({ state: psaRefreshMoves.applied.to, finishedAt: sql`now()`, figures })
    .where(and(eq(psaRefresh.id, id), mayMove(psaRefresh.state, psaRefreshMoves.applied)))
    .returning();
  if (!row) throw new Error(`There is no refresh ${id} under way.`);
  await tx
    .update(psaConnection)
    .set({ refreshedAt: row.startedAt, incomplete: row.incomplete })
    .where(eq(psaConnection.id, row.psaConnectionId));
  await dropStaged(tx, id);
  return row.startedAt;
}

/** The start of the newest applied refresh, if that is not earlier than `notBefore`. */
export async function refreshedSince(db: Queryable, id: string, notBefore: Date): Promise<Date | undefined> {
  const row = await readPsaConnection(db, id);
  return row.refreshedAt && row.refreshedAt >= notBefore ? row.refreshedAt : undefined;
}
