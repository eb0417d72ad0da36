import { sql, type SQL, type SQLWrapper } from 'drizzle-orm';

/** Spaces (also the one that does not break) and the signs that are set or left out as one likes. */
const signs = ' \t\u00a0.,:_/\\()[]&+*#!?|"`-\u2013\u2014\u2018\u2019\u201c\u201d';

/**
 * How a name looks to a person in a hurry: without spaces, signs and capital letters. Names that look alike are still different
 * names (invariant 4): they are shown as such, and never mapped. The expression must stay the one of the indices `…_look`.
 */
export function lookOf(name: SQLWrapper): SQL<string> {
  return sql`lower(translate(${name}, ${sql.raw(`'${signs}'''`)}, ''))`;
}
