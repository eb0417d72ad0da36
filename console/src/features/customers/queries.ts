import { queryOptions } from '@tanstack/react-query';
import { api, ask, askAll } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';

/** All customers of a vendor that Countersign reads: a person chooses among all of them. */
export const customersQuery = (integrationId: string) =>
  queryOptions({
    queryKey: keys.customers.of(integrationId),
    queryFn: ({ signal }) =>
      askAll((query) =>
        ask(api.GET('/v1/integrations/{id}/customers', { params: { path: { id: integrationId }, query }, signal })),
      ),
  });
