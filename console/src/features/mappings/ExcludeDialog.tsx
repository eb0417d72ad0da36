import { useState } from 'react';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { ReasonField } from '../../ui/ReasonField.tsx';
import styles from './mappings.module.css';
import type { Account } from './queries.ts';
import { calledOf } from './words.ts';

interface Props {
  account: Pick<Account, 'name' | 'apart' | 'psaAccountId'>;
  onExclude: (reason: string) => void;
  onClose: () => void;
}

/** Excluding is asked for with its reason, for whoever wonders later. */
export function ExcludeDialog({ account, onExclude, onClose }: Props) {
  const [reason, setReason] = useState('');
  const [isMissing, setMissing] = useState(false);
  return (
    <Dialog
      title={`Exclude ${calledOf(account)}`}
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button look="main" type="submit" form="exclude">
            Exclude
          </Button>
        </>
      }
    >
      <form
        id="exclude"
        className={styles['form']}
        onSubmit={(event) => {
          event.preventDefault();
          if (reason.trim() === '') setMissing(true);
          else onExclude(reason.trim());
        }}
      >
        <p>
          An excluded customer is still counted, and never billed
          {account.psaAccountId === null ? '' : ', and loses its mapping'}. It can be included again at any time.
        </p>
        <ReasonField
          value={reason}
          onChange={setReason}
          description="Such as: our own mailboxes, a test, billed elsewhere. It is kept in the audit."
          isInvalid={isMissing && reason.trim() === ''}
          autoFocus
        />
      </form>
    </Dialog>
  );
}
