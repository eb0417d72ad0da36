import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { CardsTable } from '../features/cards/CardsTable.tsx';
import { cardsQuery, type CardSort } from '../features/cards/queries.ts';
import { usePsaWords } from '../features/catalogue/queries.ts';
import { integrationsQuery } from '../features/integrations/queries.ts';
import { Button } from '../ui/Button.tsx';
import { EmptyState } from '../ui/EmptyState.tsx';
import { Loaded } from '../ui/Loaded.tsx';
import { Page } from '../ui/Page.tsx';
import { Select } from '../ui/Select.tsx';
import { Skeleton } from '../ui/Skeleton.tsx';

const sorts: readonly { id: CardSort; name: string }[] = [
  { id: 'difference', name: 'The largest difference first' },
  { id: 'account', name: 'By name' },
];

export function Reconcile() {
  const [sort, setSort] = useState<CardSort>('difference');
  const query = useInfiniteQuery(cardsQuery(sort));
  const cards = query.data?.pages.flatMap(({ items }) => items) ?? [];
  const words = usePsaWords(cards[0]?.psaConnectionId);
  return (
    <Page
      title="Reconcile"
      lead={`What is used beside what is billed, by ${words.account.one} and ${words.product.one}.`}
      actions={cards.length > 0 && <Select label="Order" choices={sorts} chosen={sort} onChoose={setSort} />}
    >
      <Loaded query={query} what="The cards" loading={<Skeleton label="Reading the cards …" rows={12} />}>
        {() =>
          cards.length === 0 ? (
            <NoCards />
          ) : (
            <>
              <CardsTable cards={cards} words={words} />
              {query.hasNextPage && (
                <Button onPress={() => void query.fetchNextPage()} isDisabled={query.isFetchingNextPage}>
                  {query.isFetchingNextPage ? 'Reading more …' : 'More cards'}
                </Button>
              )}
            </>
          )
        }
      </Loaded>
    </Page>
  );
}

/** Why there is nothing to reconcile, and what makes something. */
function NoCards() {
  const integrations = useQuery(integrationsQuery).data?.items ?? [];
  const isConnected = integrations.some(({ process }) => process.done);
  return (
    <EmptyState title="Nothing to reconcile yet" action={<Link to="/integrations">Integrations</Link>}>
      {isConnected
        ? 'Cards come with the first sync that brings counts of what is mapped. When it is over, Refresh lights up.'
        : 'Connect a vendor, map its accounts and services, and finish. The first sync then brings the cards.'}
    </EmptyState>
  );
}
