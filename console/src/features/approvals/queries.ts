import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import { byCursor, pageAt } from '../../api/paging.ts';
import type { Schema } from '../../api/types.ts';

export type Approval = Schema<'Approval'>;
export type ApprovalLine = Schema<'ApprovalLine'>;
export type Undo = Schema<'ApprovalUndo'>;
export type Preview = Schema<'ApprovalPreview'>;

/** What is being written is looked at anew so often. */
const lookEveryMs = 1_000;

/** An approval, as it goes on. */
export const approvalQuery = (id: string) =>
  queryOptions({
    queryKey: keys.approvals.one(id),
    queryFn: ({ signal }) => ask(api.GET('/v1/approvals/{id}', { params: { path: { id } }, signal })),
    refetchInterval: ({ state }) => (state.data?.state === 'requested' ? lookEveryMs : false),
  });

/** As the API takes it. */
interface ApprovalFilter {
  by?: string;
  state?: Approval['state'];
  from?: string;
  to?: string;
  timeZone?: string;
}

/** What was signed off, the newest first. What is at work is looked at anew. */
export const approvalsQuery = (filter: ApprovalFilter) =>
  infiniteQueryOptions({
    queryKey: keys.approvals.list(filter),
    queryFn: ({ signal, pageParam }) =>
      ask(api.GET('/v1/approvals', { params: { query: { ...filter, ...pageAt(pageParam, 50) } }, signal })),
    ...byCursor,
    refetchInterval: ({ state }) =>
      state.data?.pages.some(({ items }) => items.some((each) => each.state === 'requested')) ? lookEveryMs : false,
  });

/** Its lines, as they go on. @param isOpen whether anything of it is still to happen */
export const linesQuery = (id: string, isOpen: boolean) =>
  infiniteQueryOptions({
    queryKey: keys.approvals.lines(id),
    queryFn: ({ signal, pageParam }) =>
      ask(
        api.GET('/v1/approvals/{id}/lines', {
          params: { path: { id }, query: { ...pageAt(pageParam, 100) } },
          signal,
        }),
      ),
    ...byCursor,
    refetchInterval: isOpen ? lookEveryMs : false,
  });

/** The cards that were asked for and left out. */
export const skippedQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: keys.approvals.skipped(id),
    queryFn: ({ signal, pageParam }) =>
      ask(
        api.GET('/v1/approvals/{id}/skipped', {
          params: { path: { id }, query: { ...pageAt(pageParam, 50) } },
          signal,
        }),
      ),
    ...byCursor,
  });

/** What undoing it, or one `line` of it, would write, asked anew each time somebody wants to know. */
export const undoQuery = (id: string, line: { lineId: string } | undefined) =>
  infiniteQueryOptions({
    queryKey: keys.approvals.undo(id, line),
    queryFn: ({ signal, pageParam }) =>
      ask(
        api.GET('/v1/approvals/{id}/undo', {
          params: { path: { id }, query: { ...line, ...pageAt(pageParam, 100) } },
          signal,
        }),
      ),
    ...byCursor,
    gcTime: 0,
    refetchOnMount: 'always',
  });

/** A preview. None is kept: what of it was approved since is known before it is offered again. */
export const previewQuery = (id: string) =>
  queryOptions({
    queryKey: keys.approvals.preview(id),
    queryFn: ({ signal }) => ask(api.GET('/v1/approvals/previews/{id}', { params: { path: { id } }, signal })),
    gcTime: 0,
  });

/** The exact writes of a preview. */
export const previewLinesQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: keys.approvals.previewLines(id),
    queryFn: ({ signal, pageParam }) =>
      ask(
        api.GET('/v1/approvals/previews/{id}/lines', {
          params: { path: { id }, query: { ...pageAt(pageParam, 100) } },
          signal,
        }),
      ),
    ...byCursor,
  });
