import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import { Button } from '../../ui/Button.tsx';
import { Checkbox } from '../../ui/Checkbox.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Actions } from '../../ui/Section.tsx';
import { tell, tellProblem } from '../../ui/Toast.tsx';
import { useMay } from '../me/queries.ts';
import type { RunWithSteps } from './queries.ts';

/** The problems of a list that did not arrive whole. */
const codes = ['incomplete', 'contradictory'];

/** Lets a run go on with a list that is not whole; not there for any other problem, nor for whoever may only look. */
export function AcceptIncomplete({ run: { id, integrationId, process, vendorAccountId } }: { run: RunWithSteps }) {
  const may = useMay('operate');
  const queryClient = useQueryClient();
  const [isAsking, setAsking] = useState(false);
  const [isSure, setSure] = useState(false);
  const blocked = process.steps.find(
    ({ state, problem }) => state === 'blocked' && codes.includes(problem?.code ?? ''),
  );
  const accept = useMutation({
    mutationFn: (step: string) =>
      ask(
        api.POST('/v1/integrations/{id}/steps/{step}/accept-incomplete', {
          params: { path: { id: integrationId, step }, header: { 'idempotency-key': crypto.randomUUID() } },
        }),
      ),
    onSuccess: () => tell('The list was accepted', 'It may raise and add, and never lower or remove.'),
    onError: tellProblem,
    onSettled: () => {
      setAsking(false);
      return queryClient.invalidateQueries({ queryKey: keys.syncs.one(id) });
    },
  });
  if (!may || !blocked || vendorAccountId !== null) return null;
  return (
    <Actions>
      <Button onPress={() => setAsking(true)}>Accept the incomplete list …</Button>
      <Dialog
        title="Accept a list that is not whole?"
        isOpen={isAsking}
        onClose={() => setAsking(false)}
        actions={
          <>
            <Button onPress={() => setAsking(false)}>Not now</Button>
            <Button look="main" isDisabled={!isSure || accept.isPending} onPress={() => accept.mutate(blocked.step)}>
              Accept it for this run
            </Button>
          </>
        }
      >
        <p>{blocked.problem?.what}</p>
        <p>In this run alone, what the list holds may raise and add counts. It never lowers, zeroes or removes one.</p>
        <Checkbox isChecked={isSure} onChange={setSure}>
          I know that something is missing in the list.
        </Checkbox>
      </Dialog>
    </Actions>
  );
}
