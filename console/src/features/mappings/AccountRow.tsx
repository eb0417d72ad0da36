import { Button } from '../../ui/Button.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { StatusWord } from '../../ui/StatusWord.tsx';
import styles from './mappings.module.css';
import type { Account } from './queries.ts';
import { calledOf, formatSeats, howInWords } from './words.ts';

interface Props {
  account: Account;
  vendor: string;
  mayMap: boolean;
  onMapTo: () => void;
  /** Maps to the account that is offered on the row. */
  onMap: (to: { id: string; name: string }) => void;
  onUnmap: () => void;
  onExclude: () => void;
  onInclude: () => void;
}

/** A vendor account: who it is, how much it uses, what it is billed as, and what can be done about that. */
export function AccountRow({ account, vendor, mayMap, onMapTo, onMap, onUnmap, onExclude, onInclude }: Props) {
  const { seats, excluded, psaAccountId } = account;
  const called = calledOf(account);
  return (
    <div className={styles['account']}>
      <Named name={account.name} apart={account.apart} />
      <span className={styles['seats']}>
        {seats === null ? (
          <span className={styles['unit']}>Not counted</span>
        ) : (
          <>
            {formatSeats(seats)}
            <span className={styles['unit']}> seats</span>
          </>
        )}
      </span>
      <Target account={account} vendor={vendor} offered={mayMap ? { onMap, onMapTo } : undefined} />
      {mayMap && (
        <span className={styles['buttons']}>
          {excluded ? (
            <Button look="quiet" onPress={onInclude} aria-label={`Include ${called} again`}>
              Include
            </Button>
          ) : (
            <>
              <Button look="icon" onPress={onMapTo} aria-label={`Map ${called} to…`}>
                <Icon name="filter" />
              </Button>
              <Button look="icon" onPress={onExclude} aria-label={`Exclude ${called}…`}>
                <Icon name="exclude" />
              </Button>
              {psaAccountId === null ? (
                <span className={styles['place']} />
              ) : (
                <Button look="icon" onPress={onUnmap} aria-label={`Unmap ${called}`}>
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

/**
 * A name as it is written, every space of it, and below it what tells it from others that look like it.
 *
 * @param props.note what else there is to say of it: below it, so that it takes no room from the name
 */
export function Named({ name, apart, note }: { name: string; apart: string | null; note?: string | undefined }) {
  const below = [apart, note].filter((each) => each != null).join(' · ');
  return (
    <span className={`${styles['two']} ${styles['named']}`} title={calledOf({ name, apart })}>
      <span className={styles['name']}>{name}</span>
      {below !== '' && <span className={styles['soft']}>{below}</span>}
    </span>
  );
}

interface TargetProps extends Pick<Props, 'account' | 'vendor'> {
  /** What maps to an account whose name looks like this one's; absent for whoever may not. */
  offered: Pick<Props, 'onMap' | 'onMapTo'> | undefined;
}

function Target({ account, vendor, offered }: TargetProps) {
  const { excluded, excludedWhy, psaAccountId, psaAccountName, psaAccountApart, together, missingSince, near } =
    account;
  if (excluded) {
    const why = excludedWhy === null ? 'Excluded' : `Excluded: ${excludedWhy}`;
    return (
      <span className={styles['target']} title={why}>
        <StatusWord tone="quiet">Excluded</StatusWord>
        {excludedWhy !== null && <span className={styles['soft']}>{excludedWhy}</span>}
      </span>
    );
  }
  if (psaAccountId === null && near.length > 0) return <Near account={account} offered={offered} />;
  if (psaAccountId === null) {
    return (
      <span className={styles['target']}>
        <span className={styles['soft']}>{missingSince === null ? 'Not mapped' : 'Not mapped, no longer there'}</span>
      </span>
    );
  }
  const as = psaAccountName ?? psaAccountId;
  return (
    <span className={styles['target']}>
      <Icon name="arrow" className={styles['arrow']} />
      <Named name={as} apart={psaAccountApart} note={howInWords(account, vendor)} />
      {together > 1 && <span className={styles['mark']}>{`${together} together`}</span>}
    </span>
  );
}

/** Why a customer with a nearly equal name on the other side was not mapped by itself, and what maps it. */
function Near({ account, offered }: Pick<TargetProps, 'account' | 'offered'>) {
  const { near } = account;
  const [first] = near;
  if (!first) return null;
  const called = calledOf(first);
  return (
    <span className={styles['target']}>
      {offered && (
        <Button
          onPress={() => (near.length === 1 ? offered.onMap({ id: first.id, name: called }) : offered.onMapTo())}
          aria-label={near.length === 1 ? `Map ${calledOf(account)} to ${called}` : `Choose for ${calledOf(account)}`}
        >
          {near.length === 1 ? 'Map' : 'Choose …'}
        </Button>
      )}
      <span className={`${styles['two']} ${styles['named']}`} title={`Not mapped. ${called}: ${first.reason}`}>
        <span className={styles['name']}>{`${first.name}?`}</span>
        <span className={styles['soft']}>{near.length === 1 ? first.reason : `${near.length} look like it`}</span>
      </span>
    </span>
  );
}
