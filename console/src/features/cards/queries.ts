import { infiniteQueryOptions } from '@tanstack/react-query';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import type { Schema } from '../../api/types.ts';

export type Card = Schema<'Card'>;

export const cardSorts = ['account', 'difference'] as const;
export type CardSort = (typeof cardSorts)[number];

/** What is billed beside what is used, page after page. */
export const cardsQuery = (sort: CardSort) =>
  infiniteQueryOptions({
    queryKey: keys.cards.sorted(sort),
    queryFn: ({ signal, pageParam }) =>
      ask(
        api.GET('/v1/cards', {
          params: { query: { sort, limit: 100, ...(pageParam === '' ? {} : { cursor: pageParam }) } },
          signal,
        }),
      ),
    initialPageParam: '',
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
