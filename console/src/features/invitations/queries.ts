import { queryOptions } from '@tanstack/react-query';
import { api, ask, askAll } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import type { Schema } from '../../api/types.ts';

export type Invitation = Schema<'Invitation'>;

export const invitationsQuery = queryOptions({
  queryKey: keys.invitations.all,
  queryFn: ({ signal }) => askAll((query) => ask(api.GET('/v1/invitations', { params: { query }, signal }))),
});
