import { useMutation } from '@tanstack/react-query';
import { api, ask } from '../../api/client.ts';
import { Button } from '../../ui/Button.tsx';
import { tell, tellProblem } from '../../ui/Toast.tsx';
import { useMay } from '../me/queries.ts';

/** Asks for a sync; not there for whoever may only look. */
export function SyncNow({ integrationId }: { integrationId: string }) {
  const may = useMay('operate');
  const sync = useMutation({
    mutationFn: () =>
      ask(
        api.POST('/v1/integrations/{id}/syncs', {
          params: { path: { id: integrationId }, header: { 'idempotency-key': crypto.randomUUID() } },
        }),
      ),
    onSuccess: () => tell('A sync was asked for', 'Sync Status shows its steps; Refresh lights up when it is over.'),
    onError: tellProblem,
  });
  if (!may) return null;
  return (
    <Button onPress={() => sync.mutate()} isDisabled={sync.isPending}>
      Sync now
    </Button>
  );
}
