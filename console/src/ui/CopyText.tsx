import { useRef } from 'react';
import { Button } from './Button.tsx';
import styles from './CopyText.module.css';
import { tell } from './Toast.tsx';

interface Props {
  label: string;
  /** What it is called in a sentence, in lower case: "key". */
  what: string;
  value: string;
}

/** A secret to take elsewhere. It stands in plain text, because a browser may keep what stands in a field. */
export function CopyText({ label, what, value }: Props) {
  const text = useRef<HTMLElement>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value);
      tell(`The ${what} was copied`);
    } catch {
      // The browser does not let a page copy here: the text is marked, for the person to copy.
      if (text.current) getSelection()?.selectAllChildren(text.current);
      tell(`The ${what} is marked`, 'Copy it with your keyboard or the menu of your browser.');
    }
  };
  return (
    <div className={styles['row']}>
      <code ref={text} aria-label={label} className={styles['text']}>
        {value}
      </code>
      <Button look="main" onPress={() => void copy()}>
        {`Copy the ${what}`}
      </Button>
    </div>
  );
}
