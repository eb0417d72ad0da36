/** What approvals come to: their money by what became of it, and what of them was undone later. */
import { sql } from 'drizzle-orm';
import { groupBy } from '../../domain/groupBy.ts';
import { billedStates, openStates } from '../../domain/monthEnd.ts';
import type { Queryable } from '../client.ts';

/** What the lines of an approval change the next invoices by, in one currency: what the PSA holds, what is open, and the rest. */
export interface ApprovalMoney {
  currency: string | null;
  /** What the approval wrote itself, undone or not: an undo is an approval of its own, so all of them add up to what the PSA holds. */
  written: number;
  billed: number;
  open: number;
  notWritten: number;
  undone: number;
}

/**
 * The lines of these batches that a later approval has undone, by their ids: that approval. A card may have been made anew
 * meanwhile, so a line is told by its account, product and the PSA's line.
 */
export async function undosOfLines(db: Queryable, lineIds: readonly string[]): Promise<Map<string, string>> {
  const { rows } = await db.execute<{ id: string; undo: string }>(sql`
    select l.id, min(ub.id::text) as undo
      from approval_line l join approval_batch ub on ub.undo_of = l.batch_id
      join approval_line u on u.batch_id = ub.id and ${isUndoOfLine}
     where l.id = any(${sql.param([...lineIds])}::uuid[]) and l.state = 'applied' group by 1`);
  return new Map(rows.map(({ id, undo }) => [id, undo]));
}

/** Line `u` wrote back what line `l` had written. */
const isUndoOfLine = sql`
  (u.psa_account_id, u.psa_product_id, u.line_id) = (l.psa_account_id, l.psa_product_id, l.line_id)
  and u.state in ('applied', 'already', 'verified')`;

const buckets = { billed: ['billed'], open: ['open'], notWritten: ['notWritten'], undone: ['undone'] };

/** Sums up the money of many batches, and counts their lines that were undone. */
export async function sumOfMany(db: Queryable, batchIds: readonly string[]) {
  const { rows } = await db.execute<
    Record<string, unknown> & ApprovalMoney & { batchId: string; undoneLines: number; priced: number }
  >(sql`
    with undone as (
      select distinct l.id from approval_batch ub
        join approval_line l on l.batch_id = ub.undo_of and l.state = 'applied'
        join approval_line u on u.batch_id = ub.id and ${isUndoOfLine}
       where ub.undo_of = any(${sql.param([...batchIds])}::uuid[])),
    line as (
      select l.batch_id, l.currency, l.amount::numeric as amount,
             case when u.id is not null then 'undone' when l.state in (${listed(billedStates)}) then 'billed'
                  when l.state in (${listed(openStates)}) then 'open' else 'notWritten' end as bucket
        from approval_line l left join undone u on u.id = l.id
       where l.batch_id = any(${sql.param([...batchIds])}::uuid[]))
    select batch_id as "batchId", currency, count(amount)::int as priced,
           (count(*) filter (where bucket = 'undone'))::int as "undoneLines", ${sql.join(
             Object.entries({ written: ['billed', 'undone'], ...buckets }).map(
               ([sum, of]) =>
                 sql`round(coalesce(sum(amount) filter (where bucket in (${listed(of)})), 0), 4)::float8 as ${sql.identifier(sum)}`,
             ),
             sql`, `,
           )}
      from line group by 1, 2 order by 1, 2 nulls last`);
  const sumsOf = groupBy(rows, ({ batchId }) => batchId);
  return (id: string) => {
    const own = sumsOf.get(id) ?? [];
    const money = own
      .filter(({ priced }) => priced > 0)
      .map(({ currency, written, billed, open, notWritten, undone }) => ({
        currency,
        written,
        billed,
        open,
        notWritten,
        undone,
      }));
    return { undone: own.reduce((sum, { undoneLines }) => sum + undoneLines, 0), money };
  };
}

const listed = (states: readonly string[]) =>
  sql.join(
    states.map((state) => sql`${state}`),
    sql`, `,
  );
