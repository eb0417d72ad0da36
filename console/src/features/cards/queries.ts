import {
  infiniteQueryOptions,
  keepPreviousData,
  queryOptions,
  useInfiniteQuery,
  type QueryClient,
} from '@tanstack/react-query';
import { useEffect } from 'react';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import { byCursor, pageAt } from '../../api/paging.ts';
import type { Schema } from '../../api/types.ts';
import { groupsOf, listOf, shownOf, type CardSearch } from './search.ts';

export type Card = Schema<'Card'>;
export type CardGroup = Schema<'CardGroup'>;
export type CardDetail = Schema<'CardDetail'>;

/** What is billed beside what is used, page after page. */
export const cardsQuery = (search: CardSearch) => {
  const asked = listOf(search);
  return infiniteQueryOptions({
    queryKey: keys.cards.list(asked),
    queryFn: ({ signal, pageParam }) =>
      ask(
        api.GET('/v1/cards', {
          params: { query: { ...asked, ...pageAt(pageParam, 100) } },
          signal,
        }),
      ),
    ...byCursor,
    placeholderData: keepPreviousData,
  });
};

/**
 * What the groups of the shown cards come to, by name, in the order of the list: pages are read until the group of the last
 * card is among them. Nothing is asked where nothing is grouped.
 *
 * @param last the name of that group
 */
export function useGroupSums(search: CardSearch, last: string | undefined): ReadonlyMap<string, CardGroup> {
  const asked = groupsOf(search);
  const { data, hasNextPage, isFetching, fetchNextPage } = useInfiniteQuery({
    queryKey: keys.cards.groups(asked),
    queryFn: ({ signal, pageParam }) =>
      ask(
        api.GET('/v1/cards/groups', {
          params: { query: { ...asked, ...pageAt(pageParam, 200) } },
          signal,
        }),
      ),
    ...byCursor,
    enabled: search.group !== undefined,
  });
  const sums = new Map(data?.pages.flatMap(({ items }) => items.map((group) => [group.name, group] as const)));
  const readsOn = last !== undefined && !sums.has(last) && hasNextPage && !isFetching;
  useEffect(() => {
    if (readsOn) void fetchNextPage();
  }, [readsOn, fetchNextPage]);
  return sums;
}

/** How many cards ask what of a person, among those that the rest of the search shows. */
export const countsQuery = (search: CardSearch) => {
  const asked = shownOf(search);
  return queryOptions({
    queryKey: keys.cards.counts(asked),
    queryFn: ({ signal }) => ask(api.GET('/v1/cards/counts', { params: { query: asked }, signal })),
    placeholderData: keepPreviousData,
  });
};

/** What is being written is looked at anew so often. */
const lookEveryMs = 1_000;

export const isBeingWritten = (card: Card | undefined) =>
  (card?.pending ?? null) !== null && card?.pending?.state !== 'todo';

export const cardQuery = (id: string) =>
  queryOptions({
    queryKey: keys.cards.one(id),
    queryFn: ({ signal }) => ask(api.GET('/v1/cards/{id}', { params: { path: { id } }, signal })),
    refetchInterval: ({ state }) => (isBeingWritten(state.data) ? lookEveryMs : false),
  });

/** What a person has just changed is shown: the cards, what they sum up to, and what was approved. */
export function showChanged(queryClient: QueryClient): void {
  for (const { all } of [keys.cards, keys.summary]) void queryClient.invalidateQueries({ queryKey: all });
}
