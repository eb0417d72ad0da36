import { sql, type SQL } from 'drizzle-orm';

/** A number of milliseconds as PostgreSQL's interval, to add to a time. */
export const milliseconds = (ms: number | SQL) => sql`${ms} * interval '1 millisecond'`;

/** The time so many milliseconds from now, by the database's clock. */
export const fromNow = (ms: number) => sql`now() + ${milliseconds(ms)}`;

/** The length of an interval, in milliseconds; null when one of its ends is null. */
export const inMilliseconds = <T extends number | null = number | null>(interval: SQL) =>
  sql<T>`(extract(epoch from ${interval}) * 1000)::float8`;
