import { sql, type Column, type SQL } from 'drizzle-orm';

/**
 * The condition that `column` is one of `ids`, for any number of ids, which are passed as one parameter. Drizzle's
 * `inArray` uses one parameter per id, and PostgreSQL takes at most 65,535 in a statement. PostgreSQL looks up an array
 * by hash; it joins the rows of a `jsonb`, and with tens of thousands of rows, in a table that was not analyzed yet, it
 * compares each with each (measured).
 */
export function among(column: Column | SQL, ids: readonly string[]): SQL {
  return sql`${column} = any(${sql.param([...ids])}::text[])`;
}
