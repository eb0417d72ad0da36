import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import { tell, tellProblem } from '../../ui/Toast.tsx';

/** Tries a blocked step again. */
export function useRetry(integrationId: string) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (step: string) =>
      ask(
        api.POST('/v1/integrations/{id}/steps/{step}/retry', {
          params: { path: { id: integrationId, step }, header: { 'idempotency-key': crypto.randomUUID() } },
        }),
      ),
    onSuccess: () => {
      tell('The step is tried again');
      void queryClient.invalidateQueries({ queryKey: keys.integrations.one(integrationId) });
    },
    onError: tellProblem,
  });
}
