/** Rows read from the PSA: applied from staging in one transaction, listed in pages. */
import type { AnyPgColumn } from 'drizzle-orm/pg-core';
import { and, asc, eq, gt, ilike, inArray, or, sql, type SQL } from 'drizzle-orm';
import { groupBy } from '../../domain/groupBy.ts';
import type { Queryable, Transaction } from '../client.ts';
import { agreement, agreementLine, psaAccount, psaBoard, psaProduct } from '../schema/index.ts';
import { among } from './among.ts';
import { applyUnread, stageKept } from './psaUnread.ts';

/** Columns of each staged entity, as `name type`, in the table of the same name. */
const entities = {
  psa_account: 'code text, name text, active boolean, prospect boolean',
  psa_product: 'product_id text, name text, active boolean, recurring boolean, usable_on_contract boolean',
  psa_board: 'name text, project_board boolean, active boolean',
  agreement:
    'account_id text, name text, status text, next_invoice_date date, start_date date, end_date date, billing_cycle text, monthly boolean, never_billed boolean, currency text, version text, lines_version text',
  agreement_line:
    'agreement_id text, product_id text, description text, quantity float8, included_quantity float8, unit_price float8, billing text, effective_from date, effective_to date, status text, version text, not_writable text',
} as const;

/**
 * Replaces the visible rows by the staged rows, entity by entity. Unread rows stay as they were. Rows that the PSA no
 * longer has are deleted, unless a person accepted an incomplete list of the refresh: then nothing is deleted, because
 * absence means nothing (invariant 3).
 *
 * @returns how many rows of each entity there are now
 */
export async function applyPsaRows(
  tx: Transaction,
  psaConnectionId: string,
  refreshId: string,
): Promise<Record<string, number>> {
  const figures: Record<string, number> = {};
  await stageKept(tx, psaConnectionId, refreshId);
  for (const [entity, columns] of Object.entries(entities)) {
    const names = columns.split(', ').map((column) => column.split(' ')[0] ?? '');
    const list = sql.raw(names.join(', '));
    const set = sql.raw(names.map((name) => `${name} = excluded.${name}`).join(', '));
    const changed = sql.raw(
      `(${names.map((name) => `t.${name}`).join(', ')}) is distinct from (${names.map((name) => `excluded.${name}`).join(', ')})`,
    );
    const table = sql.raw(entity);
    // A write made since the refresh began may have followed the reading of its line: the next refresh reads the line
    // again.
    const older =
      entity === 'agreement_line'
        ? sql`and (t.written_at is null or t.written_at < (select r.started_at from psa_refresh r where r.id = ${refreshId}))`
        : sql``;
    await tx.execute(sql`
      delete from ${table} t
       where t.psa_connection_id = ${psaConnectionId}
         and not exists (select from psa_refresh r where r.id = ${refreshId} and r.incomplete is not null)
         and not exists (select from staging_row s where s.run_id = ${refreshId} and s.entity = ${entity} and s.id = t.id)`);
    // Unchanged rows are not written again: otherwise a refresh of 100,000 rows would leave 100,000 dead rows.
    await tx.execute(sql`
      insert into ${table} as t (psa_connection_id, id, ${list})
      select ${psaConnectionId}::uuid, s.id, ${sql.raw(names.map((name) => `d.${name}`).join(', '))}
        from staging_row s, jsonb_to_record(s.data) as d(${sql.raw(columns)})
       where s.run_id = ${refreshId} and s.entity = ${entity}
      on conflict (psa_connection_id, id) do update set ${set} where ${changed} ${older}`);
    figures[entity] = await tx.$count(table, sql`psa_connection_id = ${psaConnectionId}`);
  }
  const unread = await applyUnread(tx, psaConnectionId, refreshId);
  if (unread > 0) figures['unread'] = unread;
  return figures;
}

export async function listBoards(db: Queryable, psaConnectionId: string) {
  return db.select().from(psaBoard).where(eq(psaBoard.psaConnectionId, psaConnectionId)).orderBy(asc(psaBoard.name));
}

/**
 * Rows that hold a text anywhere in one of these columns; all rows when there is no text. Both are compared in one form (NFC),
 * because some programs write an ü as one character and others as two. Stored names stay as they came.
 */
export function containing(search: string | undefined, ...columns: (AnyPgColumn | SQL)[]): SQL | undefined {
  if (!search) return undefined;
  const pattern = `%${search.normalize('NFC').replace(/[\\%_]/g, '\\$&')}%`;
  return or(...columns.map((column) => ilike(sql`normalize(${column}, nfc)`, pattern)));
}

/** A page of PSA accounts by id; `search` matches name or code anywhere. */
export async function listPsaAccounts(
  db: Queryable,
  psaConnectionId: string,
  page: { search?: string | undefined; after?: string | undefined; limit: number },
) {
  return db
    .select()
    .from(psaAccount)
    .where(
      and(
        eq(psaAccount.psaConnectionId, psaConnectionId),
        containing(page.search, psaAccount.name, psaAccount.code),
        page.after ? gt(psaAccount.id, page.after) : undefined,
      ),
    )
    .orderBy(asc(psaAccount.id))
    .limit(page.limit);
}

/** A page of PSA products by id; `search` matches Product ID or name anywhere. */
export async function listPsaProducts(
  db: Queryable,
  psaConnectionId: string,
  page: { search?: string | undefined; after?: string | undefined; limit: number },
) {
  return db
    .select()
    .from(psaProduct)
    .where(
      and(
        eq(psaProduct.psaConnectionId, psaConnectionId),
        containing(page.search, psaProduct.productId, psaProduct.name),
        page.after ? gt(psaProduct.id, page.after) : undefined,
      ),
    )
    .orderBy(asc(psaProduct.id))
    .limit(page.limit);
}

export async function findPsaAccount(db: Queryable, psaConnectionId: string, id: string) {
  const [row] = await db
    .select()
    .from(psaAccount)
    .where(and(eq(psaAccount.psaConnectionId, psaConnectionId), eq(psaAccount.id, id)));
  return row;
}

export async function findPsaProducts(db: Queryable, psaConnectionId: string, ids: readonly string[]) {
  if (ids.length === 0) return [];
  return db
    .select()
    .from(psaProduct)
    .where(and(eq(psaProduct.psaConnectionId, psaConnectionId), among(psaProduct.id, ids)));
}

/** Active accounts that an exact name match may use. */
export async function listActivePsaAccounts(db: Queryable, psaConnectionId: string) {
  return (await listActivePsaAccountsOfMany(db, [psaConnectionId])).get(psaConnectionId) ?? [];
}

/** Lists the active accounts of several PSA connections, with one statement. @returns them by connection */
export async function listActivePsaAccountsOfMany(db: Queryable, psaConnectionIds: readonly string[]) {
  const { psaConnectionId, id, name, code } = psaAccount;
  const rows = await db
    .select({ psaConnectionId, id, name, code })
    .from(psaAccount)
    .where(and(inArray(psaConnectionId, [...psaConnectionIds]), eq(psaAccount.active, true)));
  return groupBy(rows, (row) => row.psaConnectionId);
}

/** Ids of the visible lines of these agreements, by agreement. */
export async function listLineIds(
  db: Queryable,
  psaConnectionId: string,
  agreementIds: readonly string[],
): Promise<Map<string, string[]>> {
  const rows = await db
    .select({ agreementId: agreementLine.agreementId, id: agreementLine.id })
    .from(agreementLine)
    .where(and(eq(agreementLine.psaConnectionId, psaConnectionId), among(agreementLine.agreementId, agreementIds)));
  const byAgreement = new Map<string, string[]>();
  for (const { agreementId, id } of rows) byAgreement.set(agreementId, [...(byAgreement.get(agreementId) ?? []), id]);
  return byAgreement;
}

/**
 * Stores the quantity that an approved write left in the PSA, so that the card shows it before the next refresh, and
 * not an earlier quantity that a refresh under way has read.
 */
export async function setLineQuantity(
  tx: Queryable,
  psaConnectionId: string,
  line: { id: string; quantity: number; version?: string | undefined },
): Promise<void> {
  await tx
    .update(agreementLine)
    .set({
      quantity: line.quantity,
      ...(line.version === undefined ? {} : { version: line.version }),
      writtenAt: sql`now()`,
    })
    .where(and(eq(agreementLine.psaConnectionId, psaConnectionId), eq(agreementLine.id, line.id)));
}

/** The next invoice date of an agreement as it was last read; undefined = the agreement is not there. */
export async function readNextInvoiceDate(
  db: Queryable,
  psaConnectionId: string,
  id: string,
): Promise<string | null | undefined> {
  const [row] = await db
    .select({ date: agreement.nextInvoiceDate })
    .from(agreement)
    .where(and(eq(agreement.psaConnectionId, psaConnectionId), eq(agreement.id, id)));
  return row?.date;
}

/**
 * Whether a line, as last read, is no longer billed today: the line's end is the first day on which it is not billed.
 */
export async function isLineOver(db: Queryable, psaConnectionId: string, id: string): Promise<boolean> {
  const [over] = await db
    .select({ id: agreementLine.id })
    .from(agreementLine)
    .where(
      and(
        eq(agreementLine.psaConnectionId, psaConnectionId),
        eq(agreementLine.id, id),
        sql`${agreementLine.effectiveTo} <= (now() at time zone 'utc')::date`,
      ),
    );
  return over !== undefined;
}
