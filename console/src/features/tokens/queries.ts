import { queryOptions } from '@tanstack/react-query';
import { api, ask, askAll } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import type { Schema } from '../../api/types.ts';

export type ApiToken = Schema<'ApiToken'>;

export const tokensQuery = queryOptions({
  queryKey: keys.tokens.all,
  queryFn: ({ signal }) => askAll((query) => ask(api.GET('/v1/tokens', { params: { query }, signal }))),
});
