import { infiniteQueryOptions } from '@tanstack/react-query';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import { byCursor, pageAt } from '../../api/paging.ts';
import type { Schema } from '../../api/types.ts';

export type AuditEntry = Schema<'AuditEntry'>;

/** As the API takes it. */
export interface AuditFilter {
  by?: string;
  action?: string;
  subjectKind?: string;
  subjectId?: string;
  from?: string;
  to?: string;
  timeZone?: string;
}

/** What was changed, the newest first, page after page. */
export const auditQuery = (filter: AuditFilter) =>
  infiniteQueryOptions({
    queryKey: keys.audit.of(filter),
    queryFn: ({ signal, pageParam }) =>
      ask(
        api.GET('/v1/audit', {
          params: { query: { ...filter, ...pageAt(pageParam, 100) } },
          signal,
        }),
      ),
    ...byCursor,
  });
