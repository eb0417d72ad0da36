import { Button } from '../../ui/Button.tsx';
import { Icon } from '../../ui/Icon.tsx';
import type { PsaWords } from '../catalogue/queries.ts';
import { useIntegrationTitle } from '../integrations/names.ts';
import { usePsaConnectionName } from '../psaConnections/names.ts';
import type { Narrowing } from './CardFilters.tsx';
import styles from './cards.module.css';
import type { Card } from './queries.ts';
import { narrowings, type CardSearch } from './search.ts';
import { productOf, wordOfFound, wordOfState, wordsOfShown } from './words.ts';

interface Props extends Narrowing {
  words: PsaWords;
  /** Any of the cards that are left, for the names of what they have in common. */
  card: Card | undefined;
}

/** What narrows the list, wherever it was chosen, by a link of another page too; each is taken away by a press. */
export function ActiveFilters({ search, onNarrow, words, card }: Props) {
  const integrationTitle = useIntegrationTitle();
  const connectionName = usePsaConnectionName();
  const nameOf: {
    [Name in Exclude<(typeof narrowings)[number], 'q'>]: (value: NonNullable<CardSearch[Name]>) => string;
  } = {
    state: wordOfState,
    kind: (kind) => (kind === 'new_revenue' ? `On no ${words.line.one}` : 'Only credits'),
    found: wordOfFound,
    show: (show) => wordsOfShown(show).name,
    direction: (direction) => (direction === 'under' ? 'Billed too little' : 'Billed too much'),
    integration: (id) => integrationTitle(id) ?? 'One connected service',
    psa: (id) => connectionName(id) ?? 'One PSA',
    customer: (id) => card?.psaAccountName ?? `${words.account.one} ${id}`,
    product: (id) => (card ? productOf(card) : `${words.product.one} ${id}`),
  };
  // What is searched for stands in its field. Named here, it would move the page when the field is left: in the middle of a click.
  const active = narrowings.filter((name) => name !== 'q').filter((name) => search[name] !== undefined);
  if (active.length === 0) return null;
  return (
    <div className={styles['reasons']} role="group" aria-label="Only">
      <span className={styles['only']}>Only</span>
      {active.map((name) => {
        const word = nameOf[name](search[name] as never);
        return (
          <button
            key={name}
            type="button"
            className={styles['reason']}
            aria-label={`Take away: ${word}`}
            onClick={() => onNarrow({ [name]: undefined })}
          >
            {word} <Icon name="close" />
          </button>
        );
      })}
      {active.length > 1 && (
        <Button look="quiet" onPress={() => onNarrow(Object.fromEntries(narrowings.map((name) => [name, undefined])))}>
          Clear all
        </Button>
      )}
    </div>
  );
}
