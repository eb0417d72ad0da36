import { useQuery } from '@tanstack/react-query';
import { formatCount, formatMany } from '../../ui/format.ts';
import { SearchField } from '../../ui/SearchField.tsx';
import { Select } from '../../ui/Select.tsx';
import type { PsaWords } from '../catalogue/queries.ts';
import { useIntegrationTitle } from '../integrations/names.ts';
import { integrationsQuery } from '../integrations/queries.ts';
import { capital } from '../mappings/words.ts';
import { usePsaConnectionName } from '../psaConnections/names.ts';
import { psaConnectionsQuery } from '../psaConnections/queries.ts';
import styles from './cards.module.css';
import { countsQuery } from './queries.ts';
import { shown, type CardSearch, type CardState } from './search.ts';
import { wordsOfShown } from './words.ts';

export interface Narrowing {
  search: CardSearch;
  /** Changes what the address says; undefined takes a part away. */
  onNarrow: (change: { [K in keyof CardSearch]?: CardSearch[K] | undefined }) => void;
}

const any = 'any';

/** What narrows the list, and how its rows stand. All of it is in the address. */
export function CardFilters({ search, onNarrow, words }: Narrowing & { words: PsaWords }) {
  const integrations = useQuery(integrationsQuery).data?.items.filter((each) => each.disconnectedAt === null) ?? [];
  const connections = useQuery(psaConnectionsQuery).data?.items ?? [];
  const integrationTitle = useIntegrationTitle();
  const connectionName = usePsaConnectionName();
  return (
    <div className={styles['filters']} role="search" aria-label="Cards">
      <SearchField
        label="Search"
        placeholder={`${capital(words.account.one)} or ${words.productId}`}
        initial={search.q ?? ''}
        onSearch={(q) => onNarrow({ q: q === '' ? undefined : q })}
      />
      <Select
        label="Difference"
        choices={[
          { id: any, name: 'Any' },
          { id: 'under', name: 'Billed too little' },
          { id: 'over', name: 'Billed too much' },
        ]}
        chosen={search.direction ?? any}
        onChoose={(id) => onNarrow({ direction: id === any ? undefined : id })}
      />
      {integrations.length > 1 && (
        <Select
          label="Connected service"
          choices={[
            { id: any, name: 'All' },
            ...integrations.map(({ id, vendor }) => ({ id, name: integrationTitle(id) ?? vendor })),
          ]}
          chosen={search.integration ?? any}
          onChoose={(id) => onNarrow({ integration: id === any ? undefined : id })}
        />
      )}
      {connections.length > 1 && (
        <Select
          label="PSA"
          choices={[
            { id: any, name: 'All' },
            ...connections.map(({ id, name }) => ({ id, name: connectionName(id) ?? name })),
          ]}
          chosen={search.psa ?? any}
          onChoose={(id) => onNarrow({ psa: id === any ? undefined : id })}
        />
      )}
      <Select
        label="Group by"
        choices={[
          { id: any, name: 'Nothing' },
          { id: 'account', name: words.account.one },
          { id: 'product', name: words.productId },
        ]}
        chosen={search.group ?? any}
        onChoose={(id) => onNarrow({ group: id === any ? undefined : id })}
      />
      <Select
        label="Show"
        choices={[
          { id: any, name: wordsOfShown(undefined).name },
          { id: 'new_revenue', name: `On no ${words.line.one}` },
          { id: 'only_credits', name: 'Only credits' },
          ...shown.map((id) => ({ id, name: wordsOfShown(id).name })),
        ]}
        chosen={search.kind ?? search.show ?? any}
        onChoose={(id) =>
          onNarrow({
            kind: id === 'new_revenue' || id === 'only_credits' ? id : undefined,
            show: shown.find((each) => each === id),
            found: undefined,
            state: undefined,
          })
        }
      />
    </div>
  );
}

/**
 * How many cards are shown, which of them can be approved at once, and why the others cannot. Each count is a filter of
 * what is shown.
 */
export function WhyNotBulk({ search, onNarrow }: Narrowing) {
  const counts = useQuery(countsQuery(search)).data;
  // The place is kept, so that nothing moves under a person's hands when the counts come.
  if (!counts) return <div className={styles['reasons']} />;
  const { one, many } = wordsOfShown(search.found === undefined ? search.show : 'all');
  const total = counts.states.reduce((sum, { cards }) => sum + cards, 0);
  const chosen = counts.states.find(({ state }) => state === search.state);
  const states = counts.states.filter(({ state, cards }) => cards > 0 || state === search.state);
  const toggle = (state: CardState) => onNarrow({ state: search.state === state ? undefined : state });
  return (
    <>
      <h2 className={styles['count']}>
        {chosen && `${formatCount(chosen.cards)} of `}
        {formatMany(total, one, many)}
      </h2>
      <div className={styles['reasons']} role="group" aria-label="Why not bulk">
        {states.map(({ state, name, words, cards }) => (
          <button
            key={state}
            type="button"
            className={styles['reason']}
            aria-pressed={search.state === state}
            title={words}
            onClick={() => toggle(state)}
          >
            {name} <strong>{formatCount(cards)}</strong>
          </button>
        ))}
      </div>
    </>
  );
}
