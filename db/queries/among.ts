import { sql, type Column, type SQL } from 'drizzle-orm';

/**
 * `column` is one of `ids`, however many: they are one parameter. Drizzle's `inArray` has one for each, and PostgreSQL takes
 * 65,535 in a statement. An array is looked up by its hash; rows of a `jsonb` are joined, and of tens of thousands, in a
 * table that was not analyzed yet, each with each (measured).
 */
export function among(column: Column | SQL, ids: readonly string[]): SQL {
  return sql`${column} = any(${sql.param([...ids])}::text[])`;
}
