import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import { byCursor, pageAt } from '../../api/paging.ts';
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
            query: { ...pageAt(pageParam, 50) },
          },
          signal,
        }),
      ),
    ...byCursor,
  });

export type RunWithSteps = Run & { process: Schema<'Process'> };

const everyMs = 2_000;

/** A run with its steps; asked again and again until it is over: it goes on while somebody looks, also when it was released. */
export const runQuery = (id: string) =>
  queryOptions({
    queryKey: keys.syncs.one(id),
    queryFn: ({ signal }) => ask(api.GET('/v1/syncs/{id}', { params: { path: { id } }, signal })),
    refetchInterval: ({ state }) => (['running', 'held'].includes(state.data?.state ?? '') ? everyMs : false),
  });

/** What a held run would change, the largest change first. */
export const changesQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: keys.syncs.changes(id),
    queryFn: ({ signal, pageParam }) =>
      ask(
        api.GET('/v1/syncs/{id}/changes', {
          params: { path: { id }, query: { ...pageAt(pageParam, 50) } },
          signal,
        }),
      ),
    ...byCursor,
  });
