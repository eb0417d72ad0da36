import { Link, useNavigate } from '@tanstack/react-router';
import type { Schema } from '../../api/types.ts';
import { Button } from '../../ui/Button.tsx';
import { useNow } from '../integrationHealth/live.ts';
import type { Integration } from '../integrations/state.ts';
import { useMay } from '../me/queries.ts';
import { useComplete } from '../steps/useComplete.ts';

interface Props {
  integration: Integration;
  /** The step that this page is for. */
  step: 'mapAccounts' | 'mapServices';
  /** Where Next leads. */
  next: '/integrations/$id/services' | '/integrations/$id/review';
}

/** *Next* while the integration is being connected, *Back To Overview* otherwise; both complete the step that waits. */
export function NextStep({ integration, step, next }: Props) {
  // A step may have been opened, or closed, from the vendor's side since the page was read.
  const { id, process, migration } = useNow(integration);
  const navigate = useNavigate();
  const may = useMay('operate');
  const isConnecting = isOpen(process, step);
  const isMigrating = step === 'mapAccounts' && migration !== null && isOpen(migration, 'updateAccountMapping');
  const complete = useComplete(
    id,
    () => void navigate({ to: isConnecting ? next : '/integrations/$id/migrate', params: { id } }),
  );
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
