import { Banner } from '../../ui/Banner.tsx';
import { CopyText } from '../../ui/CopyText.tsx';
import styles from './KeyOnce.module.css';

/** A key, shown this once. */
export function KeyOnce({ value }: { value: string }) {
  return (
    <div className={styles['once']}>
      <CopyText label="API key" what="key" value={value} />
      <Banner tone="care" title="Save this key in a secure place now">
        It is shown only this once. Countersign keeps no copy that could be shown again; a lost key is replaced by a new
        one.
      </Banner>
    </div>
  );
}
