import { queryOptions } from '@tanstack/react-query';
import { api, ask, askAll } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import type { Schema } from '../../api/types.ts';

export type Member = Schema<'Member'>;

export const membersQuery = queryOptions({
  queryKey: keys.members.all,
  queryFn: ({ signal }) => askAll((query) => ask(api.GET('/v1/members', { params: { query }, signal }))),
});
