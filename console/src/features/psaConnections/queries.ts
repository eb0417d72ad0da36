import { queryOptions } from '@tanstack/react-query';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';

export const psaConnectionsQuery = queryOptions({
  queryKey: keys.psaConnections.all,
  queryFn: ({ signal }) => ask(api.GET('/v1/psa-connections', { signal })),
});
