/** How the organization's PSA connections are called, of which several may bear one name. */
import { useQuery } from '@tanstack/react-query';
import { numbered } from '../../numbered.ts';
import { psaConnectionsQuery } from './queries.ts';

/** @returns what a connection is called among the others; undefined while they are being read, and for one that is not there */
export function usePsaConnectionName(): (id: string) => string | undefined {
  return numbered(useQuery(psaConnectionsQuery).data?.items ?? [], ({ name }) => name);
}
