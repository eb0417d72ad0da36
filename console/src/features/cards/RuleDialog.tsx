import { useState } from 'react';
import { Button } from '../../ui/Button.tsx';
import { DayField, today } from '../../ui/DayField.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { formatDay } from '../../ui/format.ts';
import { Select } from '../../ui/Select.tsx';
import { ReasonField } from '../../ui/ReasonField.tsx';
import { TextField } from '../../ui/TextField.tsx';
import type { PsaWords } from '../catalogue/queries.ts';
import styles from './cards.module.css';
import type { Rule } from './decide.ts';
import type { CardDetail } from './queries.ts';
import { nameOfCard } from './words.ts';

type Kind = 'minimum' | 'offset' | 'notBilled' | 'never_lower' | 'report_only' | 'follow';

const kinds: readonly { id: Kind; name: string }[] = [
  { id: 'minimum', name: 'At least a number' },
  { id: 'offset', name: 'Usage, and so many more or fewer' },
  { id: 'notBilled', name: 'Not billed' },
  { id: 'never_lower', name: 'Never lower what is billed' },
  { id: 'report_only', name: 'Report only, write nothing' },
  { id: 'follow', name: 'Follow usage, though it is not billed monthly' },
];

const details: Record<Kind, string> = {
  minimum: 'What is billed never falls below it.',
  offset: 'Such as 2 for two more than are used, -1 for one fewer.',
  notBilled: 'Internal, free, on trial, or billed elsewhere: the number to bill is 0.',
  never_lower: 'A higher number is written, a lower one is only shown.',
  report_only: 'The card is shown, and never approved.',
  follow: 'Its lines are written as those of a monthly agreement.',
};

interface Props {
  card: CardDetail;
  words: PsaWords;
  isBusy: boolean;
  onRule: (rule: Rule | null) => void;
  onClose: () => void;
}

/** Adjusts what should be billed by a rule, with its reason and its last day. */
export function RuleDialog({ card, words, isBusy, onRule, onClose }: Props) {
  const { rule, linesAsOf } = card.explanation;
  const [kind, setKind] = useState<Kind>('minimum');
  const [number, setNumber] = useState('');
  const [reason, setReason] = useState('');
  const [expires, setExpires] = useState<string>();
  const [isTried, setTried] = useState(false);
  const needsNumber = kind === 'minimum' || kind === 'offset';
  const value = Number(number.replace(',', '.'));
  // What is approved now is billed from the lines' day on: a rule that ends before it never does anything.
  const first = [today(), linesAsOf[0] ?? ''].toSorted()[1] ?? '';
  const isOver = expires !== undefined && expires < first;
  const wrong = {
    number: needsNumber && (number.trim() === '' || !Number.isFinite(value) || (kind === 'minimum' && value < 0)),
    reason: reason.trim() === '',
  };
  const of = (): Partial<Rule> => {
    switch (kind) {
      case 'minimum':
        return { minimum: value };
      case 'offset':
        return { offset: value };
      case 'notBilled':
        return { notBilled: true };
      default:
        return { lineMode: kind };
    }
  };
  return (
    <Dialog
      title={`A rule for ${nameOfCard(card)}`}
      isOpen
      onClose={onClose}
      actions={
        <>
          {rule && (
            <Button look="danger" onPress={() => onRule(null)} isDisabled={isBusy}>
              Remove the rule
            </Button>
          )}
          <Button onPress={onClose}>Cancel</Button>
          <Button look="main" type="submit" form="rule" isDisabled={isBusy}>
            Set the rule
          </Button>
        </>
      }
    >
      <form
        id="rule"
        className={styles['form']}
        onSubmit={(event) => {
          event.preventDefault();
          setTried(true);
          if (wrong.number || wrong.reason || isOver) return;
          onRule({ ...of(), reason: reason.trim(), ...(expires === undefined ? {} : { expires }) });
        }}
      >
        <p>
          It holds for this {words.account.one} and {words.product.one} alone
          {rule ? ', and takes the place of the rule that is there' : ''}.
        </p>
        <Select label="What" choices={kinds} chosen={kind} onChoose={setKind} />
        <p className={styles['soft']}>{details[kind]}</p>
        {needsNumber && (
          <TextField
            label="Number"
            value={number}
            onChange={setNumber}
            inputMode="decimal"
            isInvalid={isTried && wrong.number}
            error={kind === 'minimum' ? 'Give a number of 0 or more.' : 'Give a number.'}
          />
        )}
        <ReasonField value={reason} onChange={setReason} isInvalid={isTried && wrong.reason} />
        <DayField
          label="Last day (optional)"
          day={expires}
          onChange={setExpires}
          error={
            isOver ? `Choose ${formatDay(first)} or later: a rule that ends before it changes nothing.` : undefined
          }
        />
        <p className={styles['soft']}>Without a last day the rule holds until somebody removes it.</p>
      </form>
    </Dialog>
  );
}
