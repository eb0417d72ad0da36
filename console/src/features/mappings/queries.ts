import {
  infiniteQueryOptions,
  keepPreviousData,
  queryOptions,
  type UseInfiniteQueryResult,
} from '@tanstack/react-query';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import { byCursor, pageAt } from '../../api/paging.ts';
import type { Schema } from '../../api/types.ts';

export type Account = Schema<'VendorAccount'>;
export type Target = Schema<'MappingTarget'>;
export type Service = Schema<'Service'>;
export type Product = Schema<'PsaProduct'>;

/** The API searches from two characters on; less is no search. */
const shortest = 2;
const pageSize = 100;

export const searchOf = (text: string) => {
  const search = text.trim();
  return search.length < shortest ? {} : { search };
};

export interface Asked {
  search: string;
  hideMapped: boolean;
}

const queryOf = ({ search, hideMapped }: Asked, cursor: string) => ({
  ...pageAt(cursor, pageSize),
  ...searchOf(search),
  ...(hideMapped ? { mapped: 'false' as const } : {}),
});

/** Vendor accounts, those with most seats first, page after page. */
export const accountsQuery = (id: string, asked: Asked) =>
  infiniteQueryOptions({
    queryKey: keys.mappings.accounts(id, asked),
    queryFn: ({ signal, pageParam }) =>
      ask(
        api.GET('/v1/integrations/{id}/accounts', {
          params: { path: { id }, query: { order: 'seats', ...queryOf(asked, pageParam) } },
          signal,
        }),
      ),
    ...byCursor,
  });

/** PSA accounts by name, page after page. */
export const targetsQuery = (id: string, asked: Asked) =>
  infiniteQueryOptions({
    queryKey: keys.mappings.targets(id, asked),
    queryFn: ({ signal, pageParam }) =>
      ask(
        api.GET('/v1/integrations/{id}/psa-accounts', {
          params: { path: { id }, query: queryOf(asked, pageParam) },
          signal,
        }),
      ),
    ...byCursor,
  });

/** The PSA accounts with the nearest names, and why. */
export const suggestionsQuery = (id: string, accountId: string) =>
  queryOptions({
    queryKey: keys.mappings.suggestions(id, accountId),
    queryFn: ({ signal }) =>
      ask(
        api.GET('/v1/integrations/{id}/accounts/{accountId}/suggestions', {
          params: { path: { id, accountId } },
          signal,
        }),
      ),
  });

export const progressQuery = (id: string) =>
  queryOptions({
    queryKey: keys.mappings.progress(id),
    queryFn: ({ signal }) =>
      ask(api.GET('/v1/integrations/{id}/mapping-progress', { params: { path: { id } }, signal })),
  });

export const servicesQuery = (id: string) =>
  queryOptions({
    queryKey: keys.mappings.services(id),
    queryFn: ({ signal }) => ask(api.GET('/v1/integrations/{id}/services', { params: { path: { id } }, signal })),
  });

/** PSA products whose Product ID or name holds what is searched for, page after page. */
export const productsQuery = (psaConnectionId: string, search: string) =>
  infiniteQueryOptions({
    queryKey: keys.psaProducts.of(psaConnectionId, search),
    queryFn: ({ signal, pageParam }) =>
      ask(
        api.GET('/v1/psa-connections/{id}/products', {
          params: { path: { id: psaConnectionId }, query: queryOf({ search, hideMapped: false }, pageParam) },
          signal,
        }),
      ),
    ...byCursor,
  });

/** What reads the next page of a list, for `RowList`. */
export const moreOf = ({ hasNextPage, isFetchingNextPage, fetchNextPage }: UseInfiniteQueryResult) => ({
  onMore: hasNextPage ? () => void fetchNextPage() : undefined,
  isReadingMore: isFetchingNextPage,
});

export interface ServiceWish {
  productIds: readonly string[];
  fanOut: 'parts' | 'alternatives';
  rounding: 'none' | 'up' | 'down' | 'nearest';
  combine: 'add' | 'highest' | 'distinct' | null;
}

/** What a mapping of a service would touch. Nothing is changed. */
export const previewQuery = (id: string, serviceId: string, { productIds, fanOut, rounding, combine }: ServiceWish) =>
  queryOptions({
    queryKey: keys.mappings.preview(id, { serviceId, productIds, fanOut, rounding, combine }),
    queryFn: ({ signal }) =>
      ask(
        api.GET('/v1/integrations/{id}/services/{serviceId}/mapping-preview', {
          params: {
            path: { id, serviceId },
            query: { productId: [...productIds], fanOut, rounding, ...(combine === null ? {} : { combine }) },
          },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
    // The numbers may have moved since the dialog was last open.
    gcTime: 0,
  });
