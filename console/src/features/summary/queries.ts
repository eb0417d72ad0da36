import { queryOptions } from '@tanstack/react-query';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import type { Schema } from '../../api/types.ts';

export type Summary = Schema<'Summary'>;

/** Found money, and how old it is. */
export const summaryQuery = queryOptions({
  queryKey: keys.summary.all,
  queryFn: ({ signal }) => ask(api.GET('/v1/summary', { signal })),
});
