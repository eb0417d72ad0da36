import { useId, type ReactNode } from 'react';
import styles from './Choice.module.css';

interface Props<Id extends string> {
  label: string;
  description?: string;
  choices: readonly { id: Id; name: string; detail?: ReactNode }[];
  /** null = nobody has chosen yet. */
  chosen: Id | null;
  onChoose: (id: Id) => void;
}

/** One of a few that need explaining: each may say what it would do. */
export function Radios<Id extends string>({ label, description, choices, chosen, onChoose }: Props<Id>) {
  const id = useId();
  return (
    <fieldset
      className={styles['group']}
      role="radiogroup"
      aria-describedby={description === undefined ? undefined : id}
    >
      <legend>{label}</legend>
      {description !== undefined && (
        <p id={id} className={styles['text']}>
          {description}
        </p>
      )}
      {choices.map((choice) => (
        <label key={choice.id} className={styles['card']}>
          <input type="radio" name={id} checked={chosen === choice.id} onChange={() => onChoose(choice.id)} />
          <span className={styles['words']}>
            <span className={styles['title']}>{choice.name}</span>
            {choice.detail !== undefined && <span className={styles['text']}>{choice.detail}</span>}
          </span>
        </label>
      ))}
    </fieldset>
  );
}
