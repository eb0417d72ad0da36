import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import { tellProblem } from '../../ui/Toast.tsx';

/** Declares a step complete. @param onDone called when it is */
export function useComplete(integrationId: string, onDone: () => void) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (step: string) =>
      ask(
        api.POST('/v1/integrations/{id}/steps/{step}/complete', {
          params: { path: { id: integrationId, step }, header: { 'idempotency-key': crypto.randomUUID() } },
        }),
      ),
    onSuccess: () => {
      void queryClient.invalidateQueries({ queryKey: keys.integrations.all });
      onDone();
    },
    onError: tellProblem,
  });
}
