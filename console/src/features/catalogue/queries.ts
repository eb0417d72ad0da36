import { queryOptions, useQuery } from '@tanstack/react-query';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';

export const vendorsQuery = queryOptions({
  queryKey: keys.vendors.all,
  queryFn: ({ signal }) => ask(api.GET('/v1/vendors', { signal })),
});

/** @returns how vendors are called; a vendor that is not known is called by its id */
export function useVendorName(): (id: string) => string {
  const vendors = useQuery(vendorsQuery).data?.items ?? [];
  return (id) => vendors.find((vendor) => vendor.id === id)?.name ?? id;
}
