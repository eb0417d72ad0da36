import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { api, ask } from '../../api/client.ts';
import { tellProblem } from '../../ui/Toast.tsx';
import type { Preview } from './queries.ts';

/** What approving concerns: all that match, or the cards that were selected. */
export type Wish = Preview['filter'];

interface Asking {
  psaConnectionId: string;
  filter: Wish;
  /** The preview of which this one is the first customer: it is gone back to. */
  rest?: string;
}

/** Makes a preview of the exact writes, and opens it. */
export function usePreview() {
  const navigate = useNavigate();
  return useMutation({
    mutationFn: ({ psaConnectionId, filter }: Asking) =>
      ask(api.POST('/v1/approvals/previews', { body: { psaConnectionId, filter } })),
    onSuccess: ({ id }, { rest }) =>
      navigate({ to: '/approvals/previews/$id', params: { id }, search: rest === undefined ? {} : { rest } }),
    onError: tellProblem,
  });
}
