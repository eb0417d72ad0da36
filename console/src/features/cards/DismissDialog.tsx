import { useState } from 'react';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Radios } from '../../ui/Radios.tsx';
import { ReasonField } from '../../ui/ReasonField.tsx';
import { DayField, today } from '../../ui/DayField.tsx';
import styles from './cards.module.css';
import type { Dismissal } from './decide.ts';

interface Props {
  /** What is dismissed, in words. */
  what: string;
  isBusy: boolean;
  onDismiss: (dismissal: Dismissal) => void;
  onClose: () => void;
}

type Until = Dismissal['until'];

const untils: readonly { id: NonNullable<Until>; name: string; detail: string }[] = [
  { id: 'change', name: 'Until a number changes', detail: 'Used or billed: then it is to be looked at again.' },
  { id: 'period', name: 'This period', detail: 'Until the day as of which its lines were read.' },
  { id: 'date', name: 'Until a day', detail: 'Whatever the numbers do before it.' },
];

/** Takes cards out of the list for a while, with the reason. */
export function DismissDialog({ what, isBusy, onDismiss, onClose }: Props) {
  const [reason, setReason] = useState('');
  const [until, setUntil] = useState<NonNullable<Until>>('change');
  const [date, setDate] = useState<string>();
  const [isTried, setTried] = useState(false);
  const isMissing = { reason: reason.trim() === '', date: until === 'date' && date === undefined };
  const isPast = until === 'date' && date !== undefined && date <= today();
  return (
    <Dialog
      title={`Dismiss ${what}`}
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button look="main" type="submit" form="dismiss" isDisabled={isBusy}>
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
          setTried(true);
          if (isMissing.reason || isMissing.date || isPast) return;
          onDismiss({ until, reason: reason.trim(), ...(until === 'date' && date !== undefined ? { date } : {}) });
        }}
      >
        <ReasonField
          value={reason}
          onChange={setReason}
          description="Such as: agreed with the customer, billed elsewhere. It is kept in the audit."
          isInvalid={isTried && isMissing.reason}
          autoFocus
        />
        <Radios label="For how long" choices={untils} chosen={until} onChoose={setUntil} />
        {until === 'date' && (
          <DayField
            label="The day"
            day={date}
            onChange={setDate}
            error={
              isPast
                ? 'Choose a later day: the card comes back on this one.'
                : isTried && isMissing.date
                  ? 'Choose the day.'
                  : undefined
            }
          />
        )}
      </form>
    </Dialog>
  );
}
