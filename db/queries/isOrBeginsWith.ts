import { eq, or, sql } from 'drizzle-orm';
import type { AnyPgColumn } from 'drizzle-orm/pg-core';

/** The text itself, or what stands below it after the separator: all actors of a kind, all actions on a kind. */
export const isOrBeginsWith = (column: AnyPgColumn, text: string, separator: string) =>
  or(eq(column, text), sql`starts_with(${column}, ${text + separator})`);
