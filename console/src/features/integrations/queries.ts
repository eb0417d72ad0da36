import { queryOptions } from '@tanstack/react-query';
import { api, ask, askAll } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';

/** All integrations of the organization, the oldest first. */
export const integrationsQuery = queryOptions({
  queryKey: keys.integrations.all,
  queryFn: ({ signal }) => askAll((query) => ask(api.GET('/v1/integrations', { params: { query }, signal }))),
});

export const integrationQuery = (id: string) =>
  queryOptions({
    queryKey: keys.integrations.one(id),
    queryFn: ({ signal }) => ask(api.GET('/v1/integrations/{id}', { params: { path: { id } }, signal })),
  });

const everyMs = 5_000;

/** How counts arrive, and how many customers are linked; asked again and again while somebody looks on. */
export const intakeQuery = (id: string) =>
  queryOptions({
    queryKey: keys.intake.of(id),
    queryFn: ({ signal }) =>
      ask(api.GET('/v1/integrations/{id}/intake', { params: { path: { id }, query: { limit: 1 } }, signal })),
    refetchInterval: everyMs,
  });
