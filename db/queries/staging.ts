/** Staging: rows of a run or refresh that are not visible yet (invariant 1). */
import { and, asc, eq, gt, sql, type SQL, type SQLWrapper } from 'drizzle-orm';
import { keyOfPair } from '../../domain/countPair.ts';
import type { Queryable } from '../client.ts';
import { stagingRow } from '../schema/index.ts';
import { among } from './among.ts';

/** Stages rows of one entity; a page staged twice replaces itself. One statement for any number of rows. */
export async function stageRows(
  tx: Queryable,
  runId: string,
  entity: string,
  rows: readonly { id: string; data: unknown }[],
): Promise<void> {
  if (rows.length === 0) return;
  await tx.execute(sql`
    insert into staging_row (run_id, entity, id, data)
    select ${runId}::uuid, ${entity}, r.id, r.data
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(id text, data jsonb)
    on conflict (run_id, entity, id) do update set data = excluded.data`);
}

/** Rows that were read from a vendor. Customers that could not be read (`unread`) are staged apart: no count is about them. */
export interface ReadRows {
  accounts?: readonly { id: string; name: string }[];
  /** Customers whose counts were all read. */
  accountIds?: readonly string[];
  counts?: readonly { accountId: string; service: string }[];
  userTypes?: readonly { accountId: string }[];
  unread?: readonly { accountId: string; why: string }[];
}

export async function stageRead(tx: Queryable, runId: string, read: ReadRows): Promise<void> {
  const { accounts = [], accountIds = [], counts = [], userTypes = [], unread = [] } = read;
  const rows = {
    account: accounts.map(({ id, name }) => ({ id, data: { name } })),
    read: accountIds.map((id) => ({ id, data: {} })),
    count: counts.map((data) => ({
      id: keyOfPair({ vendorAccountId: data.accountId, serviceId: data.service }),
      data,
    })),
    userTypes: userTypes.map((entry) => ({ id: entry.accountId, data: entry })),
    unread: unread.map(({ accountId, why }) => ({ id: accountId, data: { why } })),
  };
  for (const [entity, staged] of Object.entries(rows)) await stageRows(tx, runId, entity, staged);
}

/**
 * The id of a staged count: `keyOfPair` of two text columns. The read and the posted count of a pair have the same id.
 */
export function stagedCountIdOf(accountId: SQLWrapper, serviceId: SQLWrapper): SQL {
  return sql`'[' || to_json(${accountId})::text || ',' || to_json(${serviceId})::text || ']'`;
}

export async function listStagedIds(db: Queryable, runId: string, entity: string): Promise<string[]> {
  const rows = await db
    .select({ id: stagingRow.id })
    .from(stagingRow)
    .where(and(eq(stagingRow.runId, runId), eq(stagingRow.entity, entity)));
  return rows.map((row) => row.id);
}

/** Lists the staged rows of one entity after a cursor, by id. */
export async function listStagedRows(db: Queryable, runId: string, entity: string, after: string) {
  return db
    .select({ id: stagingRow.id, data: stagingRow.data })
    .from(stagingRow)
    .where(and(eq(stagingRow.runId, runId), eq(stagingRow.entity, entity), gt(stagingRow.id, after)))
    .orderBy(asc(stagingRow.id));
}

/** Deletes staged rows of one entity that no longer exist in the outside system. */
export async function dropStagedRows(tx: Queryable, runId: string, entity: string, ids: readonly string[]) {
  if (ids.length === 0) return;
  await tx
    .delete(stagingRow)
    .where(and(eq(stagingRow.runId, runId), eq(stagingRow.entity, entity), among(stagingRow.id, ids)));
}

export async function dropStaged(tx: Queryable, runId: string): Promise<void> {
  await tx.delete(stagingRow).where(eq(stagingRow.runId, runId));
}
