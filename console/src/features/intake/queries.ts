import { infiniteQueryOptions } from '@tanstack/react-query';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import { byCursor, pageAt } from '../../api/paging.ts';
import type { Schema } from '../../api/types.ts';

export type RefusedPost = Schema<'RefusedPost'>;

/** Posts of the vendor that were refused, the latest first, page after page. */
export const refusedPostsQuery = (integrationId: string) =>
  infiniteQueryOptions({
    queryKey: keys.intake.refused(integrationId),
    queryFn: ({ signal, pageParam }) =>
      ask(
        api.GET('/v1/integrations/{id}/intake', {
          params: {
            path: { id: integrationId },
            query: { ...pageAt(pageParam, 50) },
          },
          signal,
        }),
      ),
    ...byCursor,
  });
