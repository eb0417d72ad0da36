import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import type { Schema } from '../../api/types.ts';
import { Button } from '../../ui/Button.tsx';
import { Checkbox } from '../../ui/Checkbox.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Actions, Soft } from '../../ui/Section.tsx';
import { tell, tellProblem } from '../../ui/Toast.tsx';
import { useMay } from '../me/queries.ts';
import type { PsaConnection } from './queries.ts';

interface Props {
  connection: PsaConnection;
  psa: Schema<'Psa'>;
}

/** Whether approvals are written to the PSA, what that means, and how an admin changes it. */
export function Writing({ connection: { id, name, writesEnabled }, psa }: Props) {
  const may = useMay('admin');
  const queryClient = useQueryClient();
  const [isAsking, setAsking] = useState(false);
  const [isSure, setSure] = useState(false);
  const close = () => {
    setAsking(false);
    setSure(false);
  };
  const write = useMutation({
    mutationFn: (enabled: boolean) =>
      ask(api.PUT('/v1/psa-connections/{id}/writes', { params: { path: { id } }, body: { enabled } })),
    onSuccess: (data) => {
      queryClient.setQueryData(keys.psaConnections.one(id), data);
      void queryClient.invalidateQueries({ queryKey: keys.psaConnections.all, exact: true });
      tell(`Writing to ${name} is ${data.writesEnabled ? 'on' : 'off'}`);
    },
    onError: tellProblem,
    onSettled: close,
  });
  const { line, agreement } = psa.words;
  const asList = `Approvals are a to-do list: you change the ${line.many} yourself, and the next read verifies them.`;
  return (
    <>
      <Soft>
        {writesEnabled ? `Approved quantities are written to the ${line.many} of your ${agreement.many}.` : asList}
      </Soft>
      {may && (
        <Actions>
          <Button onPress={() => setAsking(true)}>{writesEnabled ? 'Turn writing off …' : 'Turn writing on …'}</Button>
        </Actions>
      )}
      <Dialog
        title={writesEnabled ? `Turn writing to ${name} off?` : `Turn writing to ${name} on?`}
        isOpen={isAsking}
        onClose={close}
        actions={
          <>
            <Button onPress={close}>Not now</Button>
            {writesEnabled ? (
              <Button look="main" isDisabled={write.isPending} onPress={() => write.mutate(false)}>
                Turn writing off
              </Button>
            ) : (
              <Button look="main" isDisabled={!isSure || write.isPending} onPress={() => write.mutate(true)}>
                Turn writing on
              </Button>
            )}
          </>
        }
      >
        {writesEnabled ? (
          <p>
            Nothing more is written to {psa.name}. What was approved and is not written yet becomes a to-do list.{' '}
            {asList}
          </p>
        ) : (
          <>
            <p>
              From then on what is approved in Countersign changes quantities in {psa.name}, and so your customers&apos;
              next invoices. Nothing is written that nobody approved.
            </p>
            <Checkbox isChecked={isSure} onChange={setSure}>
              I understand that approvals change invoices.
            </Checkbox>
          </>
        )}
      </Dialog>
    </>
  );
}
