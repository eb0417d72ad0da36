import { Button } from '../../ui/Button.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { StatusWord } from '../../ui/StatusWord.tsx';
import styles from './mappings.module.css';
import type { Account } from './queries.ts';
import { formatSeats, howInWords } from './words.ts';

interface Props {
  account: Account;
  vendor: string;
  mayMap: boolean;
  onMapTo: () => void;
  onUnmap: () => void;
  onExclude: () => void;
  onInclude: () => void;
}

/** A vendor account: who it is, how much it uses, what it is billed as, and what can be done about that. */
export function AccountRow({ account, vendor, mayMap, onMapTo, onUnmap, onExclude, onInclude }: Props) {
  const { name, seats, excluded, psaAccountId } = account;
  return (
    <div className={styles['account']}>
      <span className={styles['name']} title={name}>
        {name}
      </span>
      <span className={styles['seats']}>
        {formatSeats(seats)}
        <span className={styles['unit']}> seats</span>
      </span>
      <Target account={account} vendor={vendor} />
      {mayMap && (
        <span className={styles['buttons']}>
          {excluded ? (
            <Button look="quiet" onPress={onInclude} aria-label={`Include ${name} again`}>
              Include
            </Button>
          ) : (
            <>
              <Button look="icon" onPress={onMapTo} aria-label={`Map ${name} to…`}>
                <Icon name="filter" />
              </Button>
              <Button look="icon" onPress={onExclude} aria-label={`Exclude ${name}…`}>
                <Icon name="exclude" />
              </Button>
              {psaAccountId === null ? (
                <span className={styles['place']} />
              ) : (
                <Button look="icon" onPress={onUnmap} aria-label={`Unmap ${name}`}>
                  <Icon name="close" />
                </Button>
              )}
            </>
          )}
        </span>
      )}
    </div>
  );
}

function Target({ account, vendor }: Pick<Props, 'account' | 'vendor'>) {
  const { excluded, excludedWhy, psaAccountId, psaAccountName, together, missingSince } = account;
  if (excluded) {
    const why = excludedWhy === null ? 'Excluded' : `Excluded: ${excludedWhy}`;
    return (
      <span className={styles['target']} title={why}>
        <StatusWord tone="quiet">Excluded</StatusWord>
        {excludedWhy !== null && <span className={styles['soft']}>{excludedWhy}</span>}
      </span>
    );
  }
  if (psaAccountId === null) {
    return (
      <span className={styles['target']}>
        <span className={styles['soft']}>{missingSince === null ? 'Not mapped' : 'Not mapped, no longer there'}</span>
      </span>
    );
  }
  const as = psaAccountName ?? psaAccountId;
  const how = howInWords(account, vendor);
  return (
    <span className={styles['target']} title={as}>
      <Icon name="arrow" className={styles['arrow']} />
      <span className={styles['as']}>{as}</span>
      {together > 1 && <span className={styles['mark']}>{`${together} together`}</span>}
      {how !== undefined && <span className={styles['mark']}>{how}</span>}
    </span>
  );
}
