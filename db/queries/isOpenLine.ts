import { sql, type SQL } from 'drizzle-orm';

/** Whether an approval line is a to-do, or being written. The words are those of the partial indexes on lines that are open. */
export const isOpenLine = (line: SQL) => sql`${line}.state in ('intended', 'writing', 'uncertain', 'todo')`;
