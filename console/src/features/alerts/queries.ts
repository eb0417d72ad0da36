import { infiniteQueryOptions, keepPreviousData, queryOptions, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import { byCursor, pageAt } from '../../api/paging.ts';
import type { Schema } from '../../api/types.ts';

export type Alert = Schema<'Alert'>;
export type AlertDetail = Schema<'AlertDetail'>;

/** What a person asks for of the list; it stands in the address. */
export interface AlertsAsked {
  state?: Alert['state'];
  integration?: string;
  search?: string;
  /** Those that share the ticket of this alert. */
  gathered?: string;
}

/** What is asked for, as the API calls it. */
export const filterOf = ({ state, integration, search, gathered }: AlertsAsked) => ({
  ...(state === undefined ? {} : { state }),
  ...(integration === undefined ? {} : { integrationId: integration }),
  ...(gathered === undefined ? {} : { gatheredInto: gathered }),
  ...(search === undefined ? {} : { search }),
});

/** Alerts that fit, the newest first, page after page. What was shown stays until the next answer is there. */
export const alertsQuery = (asked: AlertsAsked) =>
  infiniteQueryOptions({
    queryKey: keys.alerts.list(filterOf(asked)),
    queryFn: ({ signal, pageParam }) =>
      ask(
        api.GET('/v1/alerts', {
          params: {
            query: { ...filterOf(asked), ...pageAt(pageParam, 50) },
          },
          signal,
        }),
      ),
    ...byCursor,
    placeholderData: keepPreviousData,
  });

const busyMs = 1_500;

/** Asked again and again while it is on its way and somebody looks on. */
const alertQuery = (id: string) =>
  queryOptions({
    queryKey: keys.alerts.one(id),
    queryFn: ({ signal }) => ask(api.GET('/v1/alerts/{id}', { params: { path: { id } }, signal })),
    refetchInterval: ({ state: { data } }) =>
      data && (data.state === 'waiting' || data.state === 'delivering') ? busyMs : false,
  });

/** One alert, as it goes on. When it gets on, the list behind it is read anew, too. */
export function useAlert(id: string) {
  const query = useQuery(alertQuery(id));
  const queryClient = useQueryClient();
  const state = query.data?.state;
  const was = useRef(state);
  useEffect(() => {
    if (was.current !== undefined && was.current !== state)
      void queryClient.invalidateQueries({ queryKey: keys.alerts.lists });
    was.current = state;
  }, [state, queryClient]);
  return query;
}
