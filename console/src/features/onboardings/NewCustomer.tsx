import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { Button } from '../../ui/Button.tsx';
import { formatMany } from '../../ui/format.ts';
import { StatusWord, type Tone } from '../../ui/StatusWord.tsx';
import { When } from '../../ui/When.tsx';
import { usePsaWords, useVendor } from '../catalogue/queries.ts';
import type { Integration } from '../integrations/state.ts';
import { ExcludeDialog } from '../mappings/ExcludeDialog.tsx';
import { MapToDialog } from '../mappings/MapToDialog.tsx';
import { useMay } from '../me/queries.ts';
import { calledOf } from '../mappings/words.ts';
import type { DecideCustomer } from './decide.ts';
import { GuessDialog } from './GuessDialog.tsx';
import styles from './NewCustomer.module.css';
import type { Onboarding } from './queries.ts';

interface Props {
  customer: Onboarding;
  integration: Integration | undefined;
  vendor: string;
  /** As the integration is called among the others. */
  from: string;
  decide: DecideCustomer;
}

/** One new customer: since when it waits for whom, and what can be done about it here. */
export function NewCustomer({ customer, integration, vendor, from, decide: { decide, isBusy } }: Props) {
  const { name, apart, foundAt, escalatedAt, suggestions } = customer;
  const called = calledOf(customer);
  const [open, setOpen] = useState<'map' | 'exclude'>();
  const may = useMay('operate');
  const words = usePsaWords(integration?.psaConnectionId);
  const portal = useVendor(integration?.vendor)?.portal;
  const updateCounts = integration?.intake === 'push' ? portal?.updateCounts : undefined;
  const waits = customer.state === 'found' || customer.state === 'waiting';
  const [guess, setGuess] = useState<Onboarding['suggestions'][number]>();
  const close = () => setOpen(undefined);
  const mapTo = (near: Onboarding['suggestions'][number]) =>
    decide(customer, { do: 'map', to: { id: near.id, name: calledOf(near) } });
  const { tone, word } = stateOf(customer, may ? 'you' : 'an operator');
  return (
    <li className={styles['customer']} aria-label={called}>
      <div className={styles['who']}>
        <h2 className={styles['written']}>{name}</h2>
        {apart !== null && <p className={styles['soft']}>{apart}</p>}
        <p className={styles['soft']}>
          {foundWords[customer.foundBy](from)} <When at={foundAt} as="age" />
          {escalatedAt !== null &&
            (integration?.modules.includes('billing') === false
              ? '. Its alerts are parked until it is mapped'
              : '. None of its usage is billed until it is mapped')}
        </p>
        {customer.state === 'waiting' && <Reminders customer={customer} />}
      </div>
      <StatusWord tone={tone}>{word}</StatusWord>
      {waits && (
        <>
          <div className={styles['nearest']}>
            {suggestions.length === 0 ? (
              <p className={styles['soft']}>No {words.account.one} has a similar name.</p>
            ) : (
              <>
                <p className={styles['soft']}>Nearest {words.account.many}</p>
                <ul>
                  {suggestions.map((near) => (
                    <li key={near.id}>
                      {may ? (
                        <Button
                          isDisabled={isBusy}
                          onPress={() => (isSameWords(near) ? mapTo(near) : setGuess(near))}
                          aria-label={`Map ${called} to ${calledOf(near)}${isSameWords(near) ? '' : ' …'}`}
                        >
                          <span className={styles['name']}>{isSameWords(near) ? near.name : `${near.name} …`}</span>
                        </Button>
                      ) : (
                        <span className={styles['written']}>{near.name}</span>
                      )}
                      <span className={styles['soft']}>
                        {near.reason}
                        {near.apart !== null && ` · ${near.apart}`}
                      </span>
                    </li>
                  ))}
                </ul>
              </>
            )}
          </div>
          {may && (
            <div className={styles['actions']}>
              <Button isDisabled={isBusy} onPress={() => setOpen('map')} aria-label={`Map to … for ${called}`}>
                Map to …
              </Button>
              <Button
                look="quiet"
                isDisabled={isBusy}
                onPress={() => setOpen('exclude')}
                aria-label={`Exclude ${called} …`}
              >
                Exclude …
              </Button>
            </div>
          )}
        </>
      )}
      {!waits && (
        <p className={styles['nearest']}>
          Mapped{customer.how === 'vendor' ? `, as it was chosen in ${vendor}` : ''}.{' '}
          {updateCounts === undefined
            ? 'Its counts are on their way;'
            : `Its counts are waited for: ${updateCounts} Then`}{' '}
          <Link to="/reconcile">Reconcile</Link> shows them when they are there.
        </p>
      )}
      {open === 'map' && (
        <MapToDialog
          integrationId={customer.integrationId}
          account={{ id: customer.vendorAccountId, name, apart }}
          words={words}
          onClose={close}
          onMap={(to) => {
            decide(customer, { do: 'map', to });
            close();
          }}
        />
      )}
      {guess && (
        <GuessDialog
          customer={customer}
          near={guess}
          from={from}
          isBilling={integration?.modules.includes('billing') !== false}
          words={words}
          onClose={() => setGuess(undefined)}
          onMap={() => {
            mapTo(guess);
            setGuess(undefined);
          }}
        />
      )}
      {open === 'exclude' && (
        <ExcludeDialog
          account={{ name, apart, psaAccountId: customer.psaAccountId }}
          onClose={close}
          onExclude={(reason) => {
            decide(customer, { do: 'exclude', reason });
            close();
          }}
        />
      )}
    </li>
  );
}

/** Names of the same words are mapped at once, as on the account mapping's rows; whoever is only similar is asked about. */
const isSameWords = ({ score }: Onboarding['suggestions'][number]) => score === 1;

/** How often somebody was reminded of it, when somebody is next, and when it is or was reported as a problem. */
function Reminders({
  customer: { reminders, remindedAt, remindsAt, escalatedAt, escalatesAt },
}: {
  customer: Onboarding;
}) {
  return (
    <p className={styles['soft']}>
      {remindedAt === null ? (
        'No reminder yet'
      ) : (
        <>
          {formatMany(reminders, 'reminder', 'reminders')}, the last <When at={remindedAt} as="age" />
        </>
      )}
      {remindsAt !== null && (
        <>
          , the next <When at={remindsAt} as="age" />
        </>
      )}
      .
      {escalatesAt !== null && (
        <>
          {' '}
          If nobody maps it, it becomes a problem <When at={escalatesAt} as="age" />.
        </>
      )}
      {escalatedAt !== null && (
        <>
          {' '}
          It has been a problem since <When at={escalatedAt} />.
        </>
      )}
    </p>
  );
}

/** @param whom it waits for, as the person who looks at it reads it */
function stateOf({ state, escalatedAt }: Onboarding, whom: string): { tone: Tone; word: string } {
  if (state === 'mapped') return { tone: 'busy', word: 'On its way' };
  if (escalatedAt !== null) return { tone: 'bad', word: `Waits too long for ${whom}` };
  return { tone: 'waiting', word: `Waits for ${whom}` };
}

const foundWords: Record<Onboarding['foundBy'], (vendor: string) => string> = {
  sync: (vendor) => `A sync found it in ${vendor}`,
  vendor: (vendor) => `${vendor} sent it`,
  person: () => 'Somebody linked it, or included it again,',
};
