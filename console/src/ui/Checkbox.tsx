import type { ReactNode } from 'react';
import styles from './Choice.module.css';

interface Props {
  isChecked: boolean;
  onChange: (isChecked: boolean) => void;
  isDisabled?: boolean;
  children: ReactNode;
}

export function Checkbox({ isChecked, onChange, isDisabled = false, children }: Props) {
  return (
    <label className={styles['check']}>
      <input
        type="checkbox"
        checked={isChecked}
        disabled={isDisabled}
        onChange={(event) => onChange(event.target.checked)}
      />
      <span>{children}</span>
    </label>
  );
}
