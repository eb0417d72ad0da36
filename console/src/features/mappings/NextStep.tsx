import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import type { Schema } from '../../api/types.ts';
import { Button } from '../../ui/Button.tsx';
import { tellProblem } from '../../ui/Toast.tsx';
import type { Integration } from '../integrations/state.ts';
import { useMay } from '../me/queries.ts';

interface Props {
  integration: Integration;
  /** The step that this page is for. */
  step: 'mapAccounts' | 'mapServices';
  /** Where Next leads. */
  next: '/integrations/$id/services' | '/integrations/$id/connect';
}

/** *Next* while the integration is being connected, *Back To Overview* otherwise; both complete the step that waits. */
export function NextStep({ integration, step, next }: Props) {
  const { id, process, migration } = integration;
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const may = useMay('operate');
  const isConnecting = isOpen(process, step);
  const isMigrating = step === 'mapAccounts' && migration !== null && isOpen(migration, 'updateAccountMapping');
  const complete = useMutation({
    mutationFn: (completed: string) =>
      ask(
        api.POST('/v1/integrations/{id}/steps/{step}/complete', {
          params: { path: { id, step: completed }, header: { 'idempotency-key': crypto.randomUUID() } },
        }),
      ),
    onSuccess: () => {
      void queryClient.invalidateQueries({ queryKey: keys.integrations.all });
      void navigate({ to: isConnecting ? next : '/integrations/$id', params: { id } });
    },
    onError: tellProblem,
  });
  if (may && (isConnecting || isMigrating)) {
    return (
      <Button
        look="main"
        isDisabled={complete.isPending}
        onPress={() => complete.mutate(isConnecting ? step : 'updateAccountMapping')}
      >
        {isConnecting ? 'Next' : 'Back To Overview'}
      </Button>
    );
  }
  return (
    <Link to="/integrations/$id" params={{ id }}>
      Back To Overview
    </Link>
  );
}

const isOpen = ({ steps }: Schema<'Process'>, name: string) =>
  steps.some(({ step, state }) => step === name && state !== 'done' && state !== 'skipped');
