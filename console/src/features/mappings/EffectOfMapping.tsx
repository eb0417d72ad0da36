import { formatMany, formatMoneyChange } from '../../ui/format.ts';
import type { PsaWords } from '../catalogue/queries.ts';
import styles from './mappings.module.css';
import { seatsInWords, type Effect } from './words.ts';

interface Props {
  /** undefined = nothing has been read yet. */
  effect: Effect | undefined;
  /** What is shown is that of an earlier choice. */
  isReading: boolean;
  isNothing: boolean;
  /** Whether the service was counted at all. */
  isCounted: boolean;
  words: PsaWords;
}

/** What saving would touch: how many customers, and how much money. Currencies are never added up. */
export function EffectOfMapping({ effect, isReading, isNothing, isCounted, words }: Props) {
  if (isNothing) return <p className={styles['soft']}>Choose a {words.product.one} to see what it touches.</p>;
  return (
    <section className={styles['effect']} aria-label="What saving touches" aria-busy={isReading}>
      <h3>Before you save</h3>
      <div role="status">
        {!isCounted && (
          <p>
            Nothing was counted of this service yet, so it is not known how many customers, seats and how much money it
            touches. The first counts tell it.
          </p>
        )}
        {effect === undefined ? (
          <p>Counting what it touches …</p>
        ) : (
          <ul>
            {isCounted && (
              <>
                <li>
                  {effect.customers === 0
                    ? 'It touches no customer.'
                    : `It touches ${formatMany(effect.customers, 'customer', 'customers')}.`}{' '}
                  {`Usage: ${seatsInWords(effect.seats.after)}`}
                  {effect.seats.before === effect.seats.after ? '.' : `, now ${seatsInWords(effect.seats.before)}.`}
                </li>
                <li>
                  <Money money={effect.money} />
                </li>
              </>
            )}
            {effect.newRevenue > 0 && (
              <li>{`${formatMany(effect.newRevenue, 'customer uses', 'customers use')} it and ${effect.newRevenue === 1 ? 'has' : 'have'} no ${words.line.one} yet.`}</li>
            )}
            {effect.undecided > 0 && (
              <li>{`${formatMany(effect.undecided, 'customer', 'customers')} cannot be approved before a person says more.`}</li>
            )}
          </ul>
        )}
      </div>
    </section>
  );
}

function Money({ money }: Pick<Effect, 'money'>) {
  if (money.length === 0) return <>Approving it all would not change the next invoices.</>;
  return (
    <>
      Approving it all would change the next invoices by{' '}
      {money.map(({ currency, before, after }, at) => (
        <span key={currency}>
          {at > 0 && ' and by '}
          <strong>{formatMoneyChange(after, currency)}</strong> (now {formatMoneyChange(before, currency)})
        </span>
      ))}
      .
    </>
  );
}
