import { Button } from '../../ui/Button.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { useRefresh } from './live.ts';
import styles from './RefreshButton.module.css';

/** Lights up pink when there is newer data than the pages show. Nothing changes before it is pressed. */
export function RefreshButton() {
  const { isNew, refresh } = useRefresh();
  return (
    <>
      <Button
        look={isNew ? 'refresh' : 'plain'}
        inBar
        onPress={refresh}
        aria-label={isNew ? 'Refresh: new data is ready' : 'Refresh'}
      >
        <Icon name="refresh" />
        <span>Refresh</span>
      </Button>
      <span className={styles['said']} role="status">
        {isNew ? 'New data is ready. Press Refresh to see it.' : ''}
      </span>
    </>
  );
}
