import { queryOptions } from '@tanstack/react-query';
import { api, ask, askAll } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';

/** All integrations of the organization, the oldest first. */
export const integrationsQuery = queryOptions({
  queryKey: keys.integrations.all,
  queryFn: ({ signal }) => askAll((query) => ask(api.GET('/v1/integrations', { params: { query }, signal }))),
});

const busyMs = 1_500;
const idleMs = 5_000;

/** One integration as it is now, asked again and again: whoever connects it sees what happens elsewhere as it happens. */
export const integrationQuery = (id: string) =>
  queryOptions({
    queryKey: keys.integrations.one(id),
    queryFn: ({ signal }) => ask(api.GET('/v1/integrations/{id}', { params: { path: { id } }, signal })),
    refetchInterval: (query) => (query.state.data?.process.done === true ? idleMs : busyMs),
  });

/** How counts arrive, and how many customers are linked; asked again and again while somebody looks on. */
export const intakeQuery = (id: string) =>
  queryOptions({
    queryKey: keys.intake.of(id),
    queryFn: ({ signal }) =>
      ask(api.GET('/v1/integrations/{id}/intake', { params: { path: { id }, query: { limit: 1 } }, signal })),
    refetchInterval: idleMs,
  });
