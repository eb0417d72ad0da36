import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import { ActionBar } from '../features/cards/ActionBar.tsx';
import { ActiveFilters } from '../features/cards/ActiveFilters.tsx';
import { CardFilters, WhyNotBulk, type Narrowing } from '../features/cards/CardFilters.tsx';
import { CardPanel } from '../features/cards/CardPanel.tsx';
import { CardsTable } from '../features/cards/CardsTable.tsx';
import { cardsQuery, countsQuery, useGroupSums, type Card } from '../features/cards/queries.ts';
import { groupsOf, isNarrowed, listOf, type CardSearch } from '../features/cards/search.ts';
import { groupOf } from '../features/cards/words.ts';
import { usePsaWords } from '../features/catalogue/queries.ts';
import { integrationsQuery } from '../features/integrations/queries.ts';
import { useMay } from '../features/me/queries.ts';
import { FoundMoney, UnderWay } from '../features/summary/FoundMoney.tsx';
import { summaryQuery } from '../features/summary/queries.ts';
import { Button } from '../ui/Button.tsx';
import { EmptyState } from '../ui/EmptyState.tsx';
import { DownloadButton } from '../ui/LinkButton.tsx';
import { formatMany } from '../ui/format.ts';
import { Loaded } from '../ui/Loaded.tsx';
import { Page } from '../ui/Page.tsx';
import { Skeleton } from '../ui/Skeleton.tsx';

const route = getRouteApi('/shell/reconcile');

/** Where money is found, explained and signed off. */
export function Reconcile() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const summary = useQuery(summaryQuery);
  const mayOperate = useMay('operate');
  const [chosen, setChosen] = useState<ReadonlyMap<string, Card>>(new Map());
  const query = useInfiniteQuery(cardsQuery(search));
  const cards = query.data?.pages.flatMap(({ items }) => items) ?? [];
  const last = cards.at(-1);
  const sums = useGroupSums(search, last && groupOf[search.group ?? 'account'](last));
  const connections = summary.data?.connections ?? [];
  const psaConnectionId = search.psa ?? (connections.length === 1 ? connections[0]?.psaConnectionId : undefined);
  const words = usePsaWords(psaConnectionId ?? cards[0]?.psaConnectionId);
  const onNarrow: Narrowing['onNarrow'] = (change) => {
    void navigate({
      search: (before) =>
        Object.fromEntries(
          Object.entries({ ...before, ...change }).filter(([, value]) => value !== undefined),
        ) as typeof before,
      // What is typed or chosen is no place to go back to, but a card that is opened is.
      replace: !('card' in change),
    });
  };
  const choose = (card: Card, isChosen: boolean) => {
    const next = new Map(chosen);
    if (isChosen) next.set(card.id, card);
    else next.delete(card.id);
    setChosen(next);
  };
  return (
    <Page
      title="Reconcile"
      lead={`What is used beside what is billed, by ${words.account.one} and ${words.product.one}.`}
      actions={
        <>
          <DownloadButton path="/v1/cards.csv" query={listOf(search)}>
            Download CSV
          </DownloadButton>
          {search.group && (
            <DownloadButton path="/v1/cards/groups.csv" query={groupsOf(search)}>
              Groups as CSV
            </DownloadButton>
          )}
        </>
      }
    >
      <Loaded query={summary} what="Found money" loading={<Skeleton label="Adding up …" rows={4} />}>
        {(read) => (
          <>
            <FoundMoney summary={read} words={words} />
            <UnderWay summary={read} />
          </>
        )}
      </Loaded>
      <CardFilters search={search} onNarrow={onNarrow} words={words} />
      <ActiveFilters search={search} onNarrow={onNarrow} words={words} card={cards[0]} />
      <WhyNotBulk search={search} onNarrow={onNarrow} />
      {mayOperate ? (
        <ActionBar
          search={search}
          psaConnectionId={psaConnectionId}
          chosen={chosen}
          shown={cards}
          onChoose={(all) => setChosen(new Map(all.map((card) => [card.id, card])))}
        />
      ) : (
        <p>You may look, and change nothing.</p>
      )}
      <Loaded query={query} what="The cards" loading={<Skeleton label="Reading the cards …" rows={12} />}>
        {() =>
          cards.length === 0 ? (
            <NoCards isNarrowed={isNarrowed(search)} onShow={(show) => void navigate({ search: show })} />
          ) : (
            <>
              <CardsTable
                cards={cards}
                words={words}
                chosen={mayOperate ? { ids: new Set(chosen.keys()), choose } : undefined}
                onOpen={({ id }) => onNarrow({ card: id })}
                sort={search.sort ?? 'money'}
                onSort={(sort) => onNarrow({ sort, group: undefined })}
                // Rows in their former order make no groups of the new one.
                group={query.isPlaceholderData ? undefined : search.group}
                sums={sums}
              />
              {query.hasNextPage && (
                <Button onPress={() => void query.fetchNextPage()} isDisabled={query.isFetchingNextPage}>
                  {query.isFetchingNextPage ? 'Reading more …' : 'More cards'}
                </Button>
              )}
            </>
          )
        }
      </Loaded>
      {search.card !== undefined && (
        <CardPanel key={search.card} id={search.card} onClose={() => onNarrow({ card: undefined })} />
      )}
    </Page>
  );
}

/** Why there is nothing to reconcile, and what makes something. */
function NoCards({ isNarrowed, onShow }: { isNarrowed: boolean; onShow: (search: CardSearch) => void }) {
  const agreeing = useQuery(countsQuery({ show: 'agree' })).data?.total ?? 0;
  const integrations = useQuery(integrationsQuery).data?.items ?? [];
  const isConnected = integrations.some(({ process }) => process.done);
  if (isNarrowed)
    return (
      <EmptyState title="No card fits" action={<Button onPress={() => onShow({})}>Show all open cards</Button>}>
        Nothing is left of the cards by what is searched for and chosen.
      </EmptyState>
    );
  if (agreeing > 0)
    return (
      <EmptyState
        title="Nothing is left to do"
        action={<Button onPress={() => onShow({ show: 'agree' })}>Show what agrees</Button>}
      >
        On {formatMany(agreeing, 'card', 'cards')} what is billed is what should be. Whatever else differs was approved
        or dismissed.
      </EmptyState>
    );
  return (
    <EmptyState title="Nothing to reconcile yet" action={<Link to="/integrations">Integrations</Link>}>
      {isConnected
        ? 'Nothing has been counted yet, or nothing of it is mapped. Cards come with the first sync that brings counts; when it is over, Refresh lights up.'
        : 'Connect a vendor, map its accounts and services, and finish. The first sync then brings the cards.'}
    </EmptyState>
  );
}
