import { useState } from 'react';
import styles from './CopyField.module.css';
import { Button } from './Button.tsx';
import { TextField } from './TextField.tsx';

interface Props {
  label: string;
  value: string;
  description?: string;
}

/** A text to take elsewhere. Where the browser lets nothing be copied, it can be selected in the field. */
export function CopyField({ label, value, description }: Props) {
  const [said, setSaid] = useState('Copy');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value);
      setSaid('Copied');
    } catch {
      setSaid('Select and copy it');
    }
  };
  return (
    <div className={styles['row']}>
      <TextField label={label} value={value} isReadOnly {...(description === undefined ? {} : { description })} />
      <Button onPress={() => void copy()}>
        <span aria-live="polite">{said}</span>
      </Button>
    </div>
  );
}
