import { infiniteQueryOptions } from '@tanstack/react-query';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import type { Schema } from '../../api/types.ts';

export type Run = Schema<'SyncRun'>;

/** Runs of an integration, the newest first, page after page. */
export const runsQuery = (integrationId: string) =>
  infiniteQueryOptions({
    queryKey: keys.syncs.of(integrationId),
    queryFn: ({ signal, pageParam }) =>
      ask(
        api.GET('/v1/integrations/{id}/syncs', {
          params: {
            path: { id: integrationId },
            query: { limit: 50, ...(pageParam === '' ? {} : { cursor: pageParam }) },
          },
          signal,
        }),
      ),
    initialPageParam: '',
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
