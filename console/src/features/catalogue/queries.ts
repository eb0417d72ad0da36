import { queryOptions, useQuery } from '@tanstack/react-query';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import type { Schema } from '../../api/types.ts';
import { psaConnectionsQuery } from '../psaConnections/queries.ts';

export type PsaWords = Schema<'Psa'>['words'];

export const vendorsQuery = queryOptions({
  queryKey: keys.vendors.all,
  queryFn: ({ signal }) => ask(api.GET('/v1/vendors', { signal })),
});

export const psasQuery = queryOptions({
  queryKey: keys.psas.all,
  queryFn: ({ signal }) => ask(api.GET('/v1/psas', { signal })),
});

export type Vendor = Schema<'Vendor'>;

/** @returns what is known of a vendor; undefined while it is being read, and for a vendor that is not known */
export function useVendor(id: string | undefined): Vendor | undefined {
  return useQuery(vendorsQuery).data?.items.find((vendor) => vendor.id === id);
}

/** @returns how vendors are called; a vendor that is not known is called by its id */
export function useVendorName(): (id: string) => string {
  const vendors = useQuery(vendorsQuery).data?.items ?? [];
  return (id) => vendors.find((vendor) => vendor.id === id)?.name ?? id;
}

const ours: PsaWords = {
  account: { one: 'PSA account', many: 'PSA accounts' },
  product: { one: 'PSA product', many: 'PSA products' },
  productId: 'product id',
  agreement: { one: 'agreement', many: 'agreements' },
  line: { one: 'agreement line', many: 'agreement lines' },
  board: { one: 'board', many: 'boards' },
  ticket: { one: 'ticket', many: 'tickets' },
};

/** @returns what the PSA of this connection calls things; our own words until they have been read */
export function usePsaWords(psaConnectionId: string | undefined): PsaWords {
  const connections = useQuery(psaConnectionsQuery).data?.items ?? [];
  const psas = useQuery(psasQuery).data?.items ?? [];
  const kind = connections.find((connection) => connection.id === psaConnectionId)?.kind;
  return psas.find((psa) => psa.id === kind)?.words ?? ours;
}
