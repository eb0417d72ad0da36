import { queryOptions } from '@tanstack/react-query';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';

export const alertSettingsQuery = (integrationId: string) =>
  queryOptions({
    queryKey: keys.alertSettings.of(integrationId),
    queryFn: ({ signal }) =>
      ask(api.GET('/v1/integrations/{id}/alert-settings', { params: { path: { id: integrationId } }, signal })),
  });

/** @param readAt when the boards were read: newer ones are another list */
export const boardsQuery = (psaConnectionId: string, readAt: string | null) =>
  queryOptions({
    queryKey: [...keys.boards.of(psaConnectionId), readAt],
    queryFn: ({ signal }) =>
      ask(api.GET('/v1/psa-connections/{id}/boards', { params: { path: { id: psaConnectionId } }, signal })),
  });
