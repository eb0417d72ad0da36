import { queryOptions, useQuery } from '@tanstack/react-query';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import type { Schema } from '../../api/types.ts';

export type PsaConnection = Schema<'PsaConnection'>;

export const psaConnectionsQuery = queryOptions({
  queryKey: keys.psaConnections.all,
  queryFn: ({ signal }) => ask(api.GET('/v1/psa-connections', { signal })),
});

/** The fields of tickets that are set for a connection, with the values that its PSA offers. */
export const ticketFieldsQuery = (id: string) =>
  queryOptions({
    queryKey: keys.ticketFields.of(id),
    queryFn: ({ signal }) =>
      ask(api.GET('/v1/psa-connections/{id}/ticket-fields', { params: { path: { id } }, signal })),
  });

const busyMs = 1_500;
const idleMs = 10_000;

/** A connection as it is now, asked again and again: its rights and data are read while somebody looks on. */
export const psaConnectionQuery = (id: string) =>
  queryOptions({
    queryKey: keys.psaConnections.one(id),
    queryFn: ({ signal }) => ask(api.GET('/v1/psa-connections/{id}', { params: { path: { id } }, signal })),
    refetchInterval: (query) => (query.state.data?.process.done === false ? busyMs : idleMs),
  });

/**
 * The connection to which an approval would be written. It is asked anew whenever a page begins to say what approving does: the
 * setting may have been changed on another page, or by somebody else.
 *
 * @returns undefined until it is known
 */
export function useWrittenTo(id: string): PsaConnection | undefined {
  const { data, isFetchedAfterMount } = useQuery({ ...psaConnectionQuery(id), refetchOnMount: 'always' });
  return isFetchedAfterMount ? data : undefined;
}

/** Whether approving a change to this quantity makes a to-do, although writing is on: lines that go to 0 may be left to a person. */
export const isLeftToPerson = ({ settings }: PsaConnection, to: number): boolean =>
  to === 0 && settings['zero'] === 'todo';
