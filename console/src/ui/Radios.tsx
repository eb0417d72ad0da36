import type { ReactNode } from 'react';
import { Label, Radio, RadioGroup, Text } from 'react-aria-components';
import fields from './Field.module.css';
import styles from './Radios.module.css';

interface Props<Id extends string> {
  label: string;
  description?: string;
  choices: readonly { id: Id; name: string; detail: ReactNode }[];
  /** null = nobody has chosen yet. */
  chosen: Id | null;
  onChoose: (id: Id) => void;
  isDisabled?: boolean;
}

/** One of a few that need explaining: each says what it would do. */
export function Radios<Id extends string>({ label, description, choices, chosen, onChoose, isDisabled }: Props<Id>) {
  return (
    <RadioGroup
      className={fields['field'] ?? ''}
      value={chosen}
      onChange={(id) => onChoose(id as Id)}
      isDisabled={isDisabled ?? false}
    >
      <Label className={fields['label']}>{label}</Label>
      {description !== undefined && (
        <Text slot="description" className={fields['description']}>
          {description}
        </Text>
      )}
      {choices.map(({ id, name, detail }) => (
        <Radio key={id} value={id} className={styles['radio'] ?? ''}>
          <span className={styles['dot']} aria-hidden="true" />
          <span className={styles['words']}>
            <span className={styles['name']}>{name}</span>
            <span className={styles['detail']}>{detail}</span>
          </span>
        </Radio>
      ))}
    </RadioGroup>
  );
}
