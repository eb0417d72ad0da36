import { queryOptions } from '@tanstack/react-query';
import { api, ask, askAll } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';

export const integrationsQuery = queryOptions({
  queryKey: keys.integrations.all,
  queryFn: ({ signal }) => askIntegrations(signal),
});

/** All integrations of the organization, the oldest first. */
export function askIntegrations(signal: AbortSignal) {
  return askAll((query) => ask(api.GET('/v1/integrations', { params: { query }, signal })));
}
