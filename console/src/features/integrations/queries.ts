import { queryOptions } from '@tanstack/react-query';
import { api, ask, askAll } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';

/** All integrations of the organization, the oldest first. */
export const integrationsQuery = queryOptions({
  queryKey: keys.integrations.all,
  queryFn: ({ signal }) => askAll((query) => ask(api.GET('/v1/integrations', { params: { query }, signal }))),
});
