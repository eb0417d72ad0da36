import { queryOptions } from '@tanstack/react-query';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';

export const integrationsQuery = queryOptions({
  queryKey: keys.integrations.all,
  queryFn: ({ signal }) => ask(api.GET('/v1/integrations', { signal })),
});
