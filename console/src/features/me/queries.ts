import { queryOptions, useQuery } from '@tanstack/react-query';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import type { Schema } from '../../api/types.ts';

export const meQuery = queryOptions({
  queryKey: keys.me.all,
  queryFn: ({ signal }) => ask(api.GET('/v1/me', { signal })),
});

/** Whether to offer what needs this right. Only the API decides: it refuses what a page should not have offered. */
export function useMay(scope: Schema<'Me'>['scopes'][number]): boolean {
  return useQuery(meQuery).data?.scopes.includes(scope) ?? false;
}
