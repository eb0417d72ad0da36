import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Facts } from '../../ui/Section.tsx';
import type { PsaWords } from '../catalogue/queries.ts';
import { calledOf, capital } from '../mappings/words.ts';
import type { Onboarding } from './queries.ts';

interface Props {
  customer: Onboarding;
  near: Onboarding['suggestions'][number];
  /** As the integration is called. */
  from: string;
  /** What is done with it from then on: it is billed, or its alerts become tickets. */
  isBilling: boolean;
  words: PsaWords;
  onMap: () => void;
  onClose: () => void;
}

/** A name that is only similar may be another company's: both are named before one is mapped to the other. */
export function GuessDialog({ customer, near, from, isBilling, words, onMap, onClose }: Props) {
  return (
    <Dialog
      title="Are these one company?"
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button look="main" onPress={onMap}>
            Yes, map it
          </Button>
        </>
      }
    >
      <Facts
        facts={[
          { name: `Customer in ${from}`, value: calledOf(customer) },
          { name: `${capital(words.account.one)} in the PSA`, value: calledOf(near) },
          { name: 'Suggested because of', value: near.reason },
        ]}
      />
      <p>
        {isBilling
          ? `What this customer uses is billed to ${calledOf(near)} from then on.`
          : `This customer’s alerts become ${words.ticket.many} of ${calledOf(near)} from then on.`}{' '}
        Undo, which appears above the list, takes it back.
      </p>
    </Dialog>
  );
}
