import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import { byCursor, pageAt } from '../../api/paging.ts';
import type { Schema } from '../../api/types.ts';
import { timeZone } from '../../ui/DayField.tsx';
import type { Days } from './period.ts';

export type MonthEndSums = Schema<'MonthEnd'>;
export type MonthEndCustomer = Schema<'MonthEndCustomer'>;
export type MonthEndLine = Schema<'MonthEndLine'>;
export type Unbilled = Schema<'UnbilledUsage'>;

/** The sums of all, or of one customer. */
export const monthEndQuery = (days: Days, of: { psaConnectionId?: string; psaAccountId?: string } = {}) =>
  queryOptions({
    queryKey: keys.monthEnd.sums({ ...days, ...of }),
    queryFn: ({ signal }) => ask(api.GET('/v1/month-end', { params: { query: { ...days, ...of, timeZone } }, signal })),
  });

/** What is used and on no card. */
export const unbilledQuery = infiniteQueryOptions({
  queryKey: keys.monthEnd.unbilled,
  queryFn: ({ signal, pageParam }) =>
    ask(api.GET('/v1/month-end/unbilled', { params: { query: { ...pageAt(pageParam, 50) } }, signal })),
  ...byCursor,
});

export const customersQuery = (days: Days) =>
  infiniteQueryOptions({
    queryKey: keys.monthEnd.customers(days),
    queryFn: ({ signal, pageParam }) =>
      ask(
        api.GET('/v1/month-end/customers', {
          params: { query: { ...days, timeZone, ...pageAt(pageParam, 100) } },
          signal,
        }),
      ),
    ...byCursor,
  });

/** The lines of one customer, or those whose card differs again. */
export const linesQuery = (
  days: Days,
  of: { psaConnectionId?: string; psaAccountId?: string; differsAgain?: 'true' },
) =>
  infiniteQueryOptions({
    queryKey: keys.monthEnd.lines({ ...days, ...of }),
    queryFn: ({ signal, pageParam }) =>
      ask(
        api.GET('/v1/month-end/lines', {
          params: {
            query: { ...days, ...of, timeZone, ...pageAt(pageParam, 100) },
          },
          signal,
        }),
      ),
    ...byCursor,
  });
