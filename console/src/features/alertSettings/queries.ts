import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import type { Schema } from '../../api/types.ts';

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

export type AlertSettings = Schema<'AlertSettings'>;

/** What a ticket would be like, with texts that may not be stored yet. */
export const previewQuery = (integrationId: string, asked: { summary: string; body: string; priority: number }) =>
  queryOptions({
    queryKey: keys.alertSettings.preview(integrationId, asked),
    queryFn: ({ signal }) =>
      ask(
        api.GET('/v1/integrations/{id}/alert-preview', {
          params: { path: { id: integrationId }, query: asked },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
  });
