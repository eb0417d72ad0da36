/** Unread rows of the PSA: staged with the refresh's other rows, and shown until a refresh can read them. */
import { and, asc, eq, getTableColumns, inArray, lte, sql } from 'drizzle-orm';
import { groupBy } from '../../domain/groupBy.ts';
import type { Queryable, Transaction } from '../client.ts';
import { agreement, psaAccount, psaUnread } from '../schema/index.ts';
import { among } from './among.ts';
import { stageRows } from './staging.ts';

export type PsaUnreadRow = typeof psaUnread.$inferSelect;
/** One row that could not be read; its `since` is set when the refresh is applied. */
export type UnreadOfRefresh = Pick<PsaUnreadRow, 'entity' | 'id' | 'name' | 'accountId' | 'why'>;

export async function stageUnread(tx: Queryable, refreshId: string, unread: readonly UnreadOfRefresh[]): Promise<void> {
  const rows = unread.map((data) => ({ id: JSON.stringify([data.entity, data.id]), data }));
  await stageRows(tx, refreshId, 'unread', rows);
}

/**
 * Reads the account to which each of these rows belonged when it was last read; ids that were never read are left out.
 */
export async function listKnownAccounts(
  db: Queryable,
  psaConnectionId: string,
  entity: 'psa_account' | 'agreement',
  ids: readonly string[],
): Promise<Map<string, string>> {
  const table = { psa_account: psaAccount, agreement }[entity];
  const rows = await db
    .select({ id: table.id, accountId: entity === 'agreement' ? agreement.accountId : psaAccount.id })
    .from(table)
    .where(and(eq(table.psaConnectionId, psaConnectionId), among(table.id, ids)));
  return new Map(rows.map((row) => [row.id, row.accountId]));
}

/**
 * Stages the visible values of the rows that could not be read, so that applying the refresh keeps them as they are.
 */
export async function stageKept(tx: Transaction, psaConnectionId: string, refreshId: string): Promise<void> {
  const kept = sql`
    insert into staging_row (run_id, entity, id, data)
    select ${refreshId}::uuid, s.data->>'entity', t.id, to_jsonb(t)`;
  for (const entity of ['psa_account', 'psa_product', 'psa_board', 'agreement']) {
    await tx.execute(sql`${kept}
      from staging_row s join ${sql.raw(entity)} t on t.id = s.data->>'id'
     where s.run_id = ${refreshId} and s.entity = 'unread' and s.data->>'entity' = ${entity}
       and t.psa_connection_id = ${psaConnectionId}
    on conflict do nothing`);
  }
  // Lines that were read keep the values read. The lines of an unchanged agreement that bills nothing were not
  // requested.
  await tx.execute(sql`
    insert into staging_row (run_id, entity, id, data)
    select distinct ${refreshId}::uuid, 'agreement_line', t.id, to_jsonb(t)
      from staging_row s join agreement_line t on t.agreement_id = s.data->>'id'
     where s.run_id = ${refreshId}
       and (s.entity = 'unread' and s.data->>'entity' in ('agreement', 'lines') or s.entity = 'unchanged_lines')
       and t.psa_connection_id = ${psaConnectionId}
    on conflict do nothing`);
}

/**
 * Makes the refresh's unread rows visible; rows that were already unread keep their time.
 *
 * @returns how many are unread
 */
export async function applyUnread(tx: Transaction, psaConnectionId: string, refreshId: string): Promise<number> {
  await tx.execute(sql`
    delete from psa_unread u
     where u.psa_connection_id = ${psaConnectionId}
       and not exists (select from staging_row s where s.run_id = ${refreshId} and s.entity = 'unread'
                          and s.data->>'entity' = u.entity and s.data->>'id' = u.id)`);
  const { rowCount } = await tx.execute(sql`
    insert into psa_unread as u (psa_connection_id, entity, id, name, account_id, why, since)
    select r.psa_connection_id, s.data->>'entity', s.data->>'id', s.data->>'name', s.data->>'accountId', s.data->>'why', r.started_at
      from staging_row s join psa_refresh r on r.id = s.run_id
     where s.run_id = ${refreshId} and s.entity = 'unread'
    on conflict (psa_connection_id, entity, id) do update
       set name = excluded.name, account_id = excluded.account_id, why = excluded.why`);
  return rowCount ?? 0;
}

/** Lists the unread rows of these PSA accounts. */
export async function listUnreadOf(db: Queryable, psaConnectionId: string, accountIds: readonly string[]) {
  return db
    .select()
    .from(psaUnread)
    .where(and(eq(psaUnread.psaConnectionId, psaConnectionId), among(psaUnread.accountId, accountIds)))
    .orderBy(asc(psaUnread.entity), asc(psaUnread.id));
}

/**
 * Counts the unread rows of each of these connections, and lists the first `max` of each, with one statement.
 *
 * @returns a function that gives the summary of one of them
 */
export async function summarizeUnread(db: Queryable, psaConnectionIds: readonly string[], max: number) {
  const { psaConnectionId, since, entity, id } = psaUnread;
  const numbered = db
    .select({
      ...getTableColumns(psaUnread),
      total: sql<number>`count(*) over (partition by ${psaConnectionId})::int`.as('total'),
      place: sql<number>`row_number() over (partition by ${psaConnectionId} order by ${since}, ${entity}, ${id})`.as(
        'place',
      ),
    })
    .from(psaUnread)
    .where(inArray(psaConnectionId, [...psaConnectionIds]))
    .as('numbered');
  const rows = await db.select().from(numbered).where(lte(numbered.place, max)).orderBy(numbered.place);
  const unread = groupBy(rows, (row) => row.psaConnectionId);
  return (connectionId: string): { total: number; first: PsaUnreadRow[] } => {
    const first = unread.get(connectionId) ?? [];
    return { total: first[0]?.total ?? 0, first };
  };
}
