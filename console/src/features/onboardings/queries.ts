import { infiniteQueryOptions, keepPreviousData } from '@tanstack/react-query';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import { byCursor, pageAt } from '../../api/paging.ts';
import type { Schema } from '../../api/types.ts';

export type Onboarding = Schema<'Onboarding'>;

/** What a person asks for of the list; it stands in the address. */
export interface OnboardingsAsked {
  /** Only those of which it has become a problem that nobody has mapped them. */
  escalated?: true;
}

/** What is asked for, as the API calls it. */
export const filterOf = ({ escalated }: OnboardingsAsked) => ({
  open: 'true' as const,
  ...(escalated ? { escalated: 'true' as const } : {}),
});

/** New customers that are still on their way, the one that has waited longest first, page after page. */
export const onboardingsQuery = (asked: OnboardingsAsked) =>
  infiniteQueryOptions({
    queryKey: keys.onboardings.list(filterOf(asked)),
    queryFn: ({ signal, pageParam }) =>
      ask(
        api.GET('/v1/onboardings', {
          params: {
            query: { ...filterOf(asked), ...pageAt(pageParam, 50) },
          },
          signal,
        }),
      ),
    ...byCursor,
    placeholderData: keepPreviousData,
  });
