/** Refreshes that have lost too many rows, and wait for a person. */
import { and, eq, inArray, isNotNull, isNull, sql } from 'drizzle-orm';
import { defaultLossLimit, losesRows, type LossLimit, type RefreshGuard } from '../../domain/refreshGuard.ts';
import { psaRefreshMoves } from '../../domain/transitions.ts';
import type { Queryable, Transaction } from '../client.ts';
import { psaRefresh } from '../schema/index.ts';
import { mayMove } from './mayMove.ts';
import { stageKept } from './psaUnread.ts';
import { dropStaged } from './staging.ts';

export type RefreshRow = typeof psaRefresh.$inferSelect;

export async function readRefresh(db: Queryable, id: string): Promise<RefreshRow> {
  const [row] = await db.select().from(psaRefresh).where(eq(psaRefresh.id, id));
  if (!row) throw new Error(`There is no refresh ${id}.`);
  return row;
}

export async function findRefresh(db: Queryable, psaConnectionId: string, id: string): Promise<RefreshRow | undefined> {
  const [row] = await db
    .select()
    .from(psaRefresh)
    .where(and(eq(psaRefresh.psaConnectionId, psaConnectionId), eq(psaRefresh.id, id)));
  return row;
}

/** Lists the held refreshes of these connections, one of each at most. */
export async function listHeldRefreshes(db: Queryable, psaConnectionIds: readonly string[]): Promise<RefreshRow[]> {
  return db
    .select()
    .from(psaRefresh)
    .where(
      and(
        inArray(psaRefresh.psaConnectionId, [...psaConnectionIds]),
        eq(psaRefresh.state, 'running'),
        isNotNull(psaRefresh.guard),
        isNull(psaRefresh.releasedBy),
      ),
    );
}

/**
 * Compares the rows that a refresh has read with those that are visible, and holds it if it has lost too many. One that a person
 * released, or of which a person accepted incomplete lists (it removes nothing), is not held.
 *
 * @returns what it has lost, if it is held
 */
export async function guardRefresh(
  tx: Transaction,
  { id: psaConnectionId, settings }: { id: string; settings: Partial<LossLimit> },
  { id, incomplete, releasedBy }: RefreshRow,
): Promise<RefreshGuard | undefined> {
  if (incomplete !== null || releasedBy !== null) return undefined;
  await stageKept(tx, psaConnectionId, id);
  const staged = (entity: string) =>
    sql`(select count(*)::int from staging_row where run_id = ${id} and entity = ${entity})`;
  const visible = (table: string) =>
    sql`(select count(*)::int from ${sql.raw(table)} where psa_connection_id = ${psaConnectionId})`;
  const { rows } = await tx.execute<{ guard: RefreshGuard }>(sql`
    select jsonb_build_object(
      'before', jsonb_build_object('accounts', ${visible('psa_account')}, 'lines', ${visible('agreement_line')}),
      'after', jsonb_build_object('accounts', ${staged('psa_account')}, 'lines', ${staged('agreement_line')})) as guard`);
  const guard = rows[0]?.guard;
  if (!guard || !losesRows(guard, { ...defaultLossLimit, ...settings })) return undefined;
  await tx
    .update(psaRefresh)
    .set({ guard, heldAt: sql`coalesce(${psaRefresh.heldAt}, now())` })
    .where(eq(psaRefresh.id, id));
  return guard;
}

/** @returns false when the refresh is not held (any more) */
export async function releaseRefresh(tx: Queryable, id: string, releasedBy: string): Promise<boolean> {
  const released = await tx
    .update(psaRefresh)
    .set({ releasedBy })
    .where(and(eq(psaRefresh.id, id), isHeld))
    .returning({ id: psaRefresh.id });
  return released.length > 0;
}

/** Drops what a held refresh has read. @returns false when the refresh is not held (any more) */
export async function discardRefresh(tx: Transaction, id: string): Promise<boolean> {
  const discarded = await tx
    .update(psaRefresh)
    .set({ state: psaRefreshMoves.discard.to, finishedAt: sql`now()` })
    .where(and(eq(psaRefresh.id, id), isHeld, mayMove(psaRefresh.state, psaRefreshMoves.discard)))
    .returning({ id: psaRefresh.id });
  if (discarded.length > 0) await dropStaged(tx, id);
  return discarded.length > 0;
}

const isHeld = and(eq(psaRefresh.state, 'running'), isNotNull(psaRefresh.guard), isNull(psaRefresh.releasedBy));
