import { infiniteQueryOptions } from '@tanstack/react-query';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import type { Schema } from '../../api/types.ts';

export type Onboarding = Schema<'Onboarding'>;

/** New customers that are still on their way, the one that has waited longest first, page after page. */
export const onboardingsQuery = infiniteQueryOptions({
  queryKey: keys.onboardings.all,
  queryFn: ({ signal, pageParam }) =>
    ask(
      api.GET('/v1/onboardings', {
        params: { query: { open: 'true', limit: 50, ...(pageParam === '' ? {} : { cursor: pageParam }) } },
        signal,
      }),
    ),
  initialPageParam: '',
  getNextPageParam: (page) => page.nextCursor ?? undefined,
});
