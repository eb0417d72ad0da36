import { useId } from 'react';
import styles from './Choice.module.css';

interface Props<Id extends string> {
  label: string;
  choices: readonly { id: Id; title: string; text?: string }[];
  chosen: Id | null;
  onChoose: (id: Id) => void;
}

/** One of a few that need a sentence each. */
export function RadioCards<Id extends string>({ label, choices, chosen, onChoose }: Props<Id>) {
  const name = useId();
  return (
    <fieldset className={styles['group']}>
      <legend>{label}</legend>
      {choices.map(({ id, title, text }) => (
        <label key={id} className={styles['card']}>
          <input type="radio" name={name} checked={chosen === id} onChange={() => onChoose(id)} />
          <span className={styles['words']}>
            <span className={styles['title']}>{title}</span>
            {text !== undefined && <span className={styles['text']}>{text}</span>}
          </span>
        </label>
      ))}
    </fieldset>
  );
}
