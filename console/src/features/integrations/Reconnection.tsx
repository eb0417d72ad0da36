import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Actions, Section, Soft } from '../../ui/Section.tsx';
import { tell, tellProblem } from '../../ui/Toast.tsx';
import { When } from '../../ui/When.tsx';
import { holdKey } from '../integrationKeys/shownKey.ts';
import type { Integration } from './state.ts';

/** Disconnecting takes nothing away that a person decided; reconnecting gives all of it back. */
export function Reconnection({ integration, vendor }: { integration: Integration; vendor: string }) {
  const { id, disconnectedAt } = integration;
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const [isAsking, setAsking] = useState(false);
  const [isAtWork, setAtWork] = useState(false);
  const params = { path: { id }, header: { 'idempotency-key': crypto.randomUUID() } };
  const reread = () =>
    Promise.all(
      [keys.integrations.all, keys.integrations.one(id), keys.health.all, keys.integrationKeys.of(id)].map((queryKey) =>
        queryClient.invalidateQueries({ queryKey }),
      ),
    );
  const disconnect = useMutation({
    mutationFn: () => ask(api.POST('/v1/integrations/{id}/disconnect', { params })),
    onSuccess: () => {
      setAsking(false);
      tell(`${vendor} was disconnected`);
      return reread();
    },
    onError: tellProblem,
  });
  // No mutation of the query client: it would keep the answer, which may hold a key.
  const reconnect = async () => {
    setAtWork(true);
    try {
      const { key } = await ask(api.POST('/v1/integrations/{id}/reconnect', { params }));
      holdKey(id, key);
      await reread();
      await navigate({ to: '/integrations/$id/connect', params: { id } });
    } catch (error) {
      tellProblem(error);
      setAtWork(false);
    }
  };
  if (disconnectedAt !== null)
    return (
      <Section title="Connect again">
        <Soft>
          Disconnected <When at={disconnectedAt} />. Mappings, exclusions, rules and history are as they were; only the
          access of {vendor} is asked for again.
        </Soft>
        <Actions>
          <Button look="main" onPress={() => void reconnect()} isDisabled={isAtWork}>
            Reconnect
          </Button>
        </Actions>
      </Section>
    );
  return (
    <Section title="Disconnect">
      <Soft>
        Countersign stops reading {vendor}, deletes its credentials and revokes its keys. Mappings and history stay, so
        that it can be connected again.
      </Soft>
      <Actions>
        <Button look="danger" onPress={() => setAsking(true)}>
          Disconnect …
        </Button>
      </Actions>
      <Dialog
        title={`Disconnect ${vendor}?`}
        isOpen={isAsking}
        onClose={() => setAsking(false)}
        actions={
          <>
            <Button onPress={() => setAsking(false)}>Not now</Button>
            <Button look="danger" onPress={() => disconnect.mutate()} isDisabled={disconnect.isPending}>
              Disconnect
            </Button>
          </>
        }
      >
        <p>Nothing is billed from its counts any more until it is connected again. Alerts that wait are dismissed.</p>
      </Dialog>
    </Section>
  );
}
