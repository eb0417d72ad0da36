/** How lists of the API are read page after page, for `infiniteQueryOptions`. */
export const byCursor = {
  initialPageParam: '',
  getNextPageParam: ({ nextCursor }: { nextCursor: string | null }) => nextCursor ?? undefined,
};

/**
 * The part of a list's query that names a page.
 *
 * @param pageParam the cursor of the page; empty = the first page
 * @param limit the most rows of a page
 */
export function pageAt(pageParam: string, limit: number): { limit: number; cursor?: string } {
  return { limit, ...(pageParam === '' ? {} : { cursor: pageParam }) };
}
