import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '../../api/client.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { ProblemBanner } from '../../ui/ProblemBanner.tsx';
import { ReasonField } from '../../ui/ReasonField.tsx';
import { tell } from '../../ui/Toast.tsx';
import styles from './alerts.module.css';
import type { AlertDetail } from './queries.ts';

interface Props {
  alert: AlertDetail;
  onClose: () => void;
  onDone: (alert: AlertDetail) => void;
}

/** Dismissing is asked for with its reason, for whoever wonders later. */
export function DismissDialog({ alert: { id, title }, onClose, onDone }: Props) {
  const [reason, setReason] = useState('');
  const [isMissing, setMissing] = useState(false);
  const dismiss = useMutation({
    mutationFn: () =>
      ask(
        api.POST('/v1/alerts/{id}/dismiss', {
          params: { path: { id }, header: { 'idempotency-key': crypto.randomUUID() } },
          body: { reason: reason.trim() },
        }),
      ),
    onSuccess: (data) => {
      tell('The alert was dismissed');
      onDone(data);
    },
  });
  return (
    <Dialog
      title={`Dismiss "${title}"`}
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Not now</Button>
          <Button look="main" type="submit" form="dismiss" isDisabled={dismiss.isPending}>
            Dismiss
          </Button>
        </>
      }
    >
      <form
        id="dismiss"
        className={styles['form']}
        onSubmit={(event) => {
          event.preventDefault();
          if (reason.trim() === '') setMissing(true);
          else dismiss.mutate();
        }}
      >
        {dismiss.error && <ProblemBanner error={dismiss.error} />}
        <p>No ticket is made of it. If it is sent again with another text, it comes back.</p>
        <ReasonField
          value={reason}
          onChange={setReason}
          description="Such as: planned maintenance, already solved. It is kept in the audit."
          isInvalid={isMissing && reason.trim() === ''}
          autoFocus
        />
      </form>
    </Dialog>
  );
}
