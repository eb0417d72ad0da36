import { sql, type Column, type SQL } from 'drizzle-orm';

/**
 * `column` is one of `ids`, however many: they are one parameter. Drizzle's `inArray` has one for each, and PostgreSQL takes
 * 65,535 in a statement.
 */
export function among(column: Column | SQL, ids: readonly string[]): SQL {
  return sql`${column} in (select jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb))`;
}
