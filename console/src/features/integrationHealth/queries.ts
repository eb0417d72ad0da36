import { queryOptions } from '@tanstack/react-query';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import type { Schema } from '../../api/types.ts';

export type Health = Schema<'Health'>;

export const healthQuery = queryOptions({
  queryKey: keys.health.all,
  queryFn: ({ signal }) => ask(api.GET('/v1/health', { signal })),
});
