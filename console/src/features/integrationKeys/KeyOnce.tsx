import { useRef } from 'react';
import { Banner } from '../../ui/Banner.tsx';
import { Button } from '../../ui/Button.tsx';
import { tell } from '../../ui/Toast.tsx';
import styles from './KeyOnce.module.css';

/** A key, shown this once. It stands in plain text, because a browser may keep what stands in a field. */
export function KeyOnce({ value }: { value: string }) {
  const text = useRef<HTMLElement>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value);
      tell('The key was copied');
    } catch {
      // The browser does not let a page copy here: the key is marked, for the person to copy.
      if (text.current) getSelection()?.selectAllChildren(text.current);
      tell('The key is marked', 'Copy it with your keyboard or the menu of your browser.');
    }
  };
  return (
    <div className={styles['once']}>
      <div className={styles['row']}>
        <code ref={text} aria-label="API key" className={styles['key']}>
          {value}
        </code>
        <Button look="main" onPress={() => void copy()}>
          Copy the key
        </Button>
      </div>
      <Banner tone="care" title="Save this key in a secure place now">
        It is shown only this once. Countersign keeps no copy that could be shown again; a lost key is replaced by a new
        one.
      </Banner>
    </div>
  );
}
