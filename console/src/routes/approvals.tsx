import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { ApprovalsTable } from '../features/approvals/ApprovalsTable.tsx';
import { approvalsQuery } from '../features/approvals/queries.ts';
import { approvalStates, wordOfState } from '../features/approvals/words.ts';
import { useActors } from '../features/members/actors.ts';
import { psaConnectionsQuery } from '../features/psaConnections/queries.ts';
import { Button } from '../ui/Button.tsx';
import { DaysFields, timeZone, WrongDays } from '../ui/DayField.tsx';
import { EmptyState } from '../ui/EmptyState.tsx';
import { DownloadButton, LinkButton } from '../ui/LinkButton.tsx';
import { Loaded } from '../ui/Loaded.tsx';
import { Page } from '../ui/Page.tsx';
import { Select } from '../ui/Select.tsx';
import { Skeleton } from '../ui/Skeleton.tsx';

const any = 'any';
const kindsOfApprovers = [
  { id: any, name: 'Anybody' },
  { id: 'person', name: 'People' },
  { id: 'token', name: 'Tokens' },
];

/** What was signed off, the newest first. */
export function Approvals() {
  const search = useSearch({ from: '/shell/approvals' });
  const navigate = useNavigate();
  const [isWrong, setWrong] = useState(false);
  const by = search.by ?? any;
  const people = useActors(kindsOfApprovers, by);
  const filter = { ...search, ...(search.from || search.to ? { timeZone } : {}) };
  const change = (changed: { [Name in keyof typeof search]: string | undefined }) => {
    const kept = Object.entries({ ...search, ...changed }).filter(([, value]) => value !== undefined);
    void navigate({ to: '/approvals', search: Object.fromEntries(kept) });
  };
  return (
    <Page
      title="Approvals"
      lead="What was signed off, by whom and when, and what became of it. Open one for its lines, and to undo it or one of them."
      actions={
        <>
          <Select
            label="Who"
            choices={people}
            chosen={by}
            onChoose={(id) => change({ by: id === any ? undefined : id })}
          />
          <Select
            label="State"
            choices={[{ id: any, name: 'Any' }, ...approvalStates.map((id) => ({ id, name: wordOfState[id] }))]}
            chosen={search.state ?? any}
            onChoose={(state) => change({ state: state === any ? undefined : state })}
          />
          <DaysFields days={search} onChange={change} onWrong={setWrong} />
          {!isWrong && (
            <DownloadButton path="/v1/approvals.csv" query={filter}>
              Download CSV
            </DownloadButton>
          )}
        </>
      }
    >
      {isWrong ? <WrongDays /> : <List filter={filter} isFiltered={Object.keys(search).length > 0} />}
    </Page>
  );
}

function List({ filter, isFiltered }: { filter: Parameters<typeof approvalsQuery>[0]; isFiltered: boolean }) {
  const query = useInfiniteQuery(approvalsQuery(filter));
  const psas = useQuery(psaConnectionsQuery).data?.items ?? [];
  const navigate = useNavigate();
  return (
    <Loaded query={query} what="The approvals" loading={<Skeleton label="Reading the approvals …" rows={8} />}>
      {({ pages }) => {
        const approvals = pages.flatMap(({ items }) => items);
        if (approvals.length === 0)
          return isFiltered ? (
            <EmptyState
              title="Nothing fits"
              action={<Button onPress={() => void navigate({ to: '/approvals', search: {} })}>Show all</Button>}
            >
              No approval fits what you chose.
            </EmptyState>
          ) : (
            <EmptyState
              title="Nothing was approved yet"
              action={<LinkButton to="/reconcile">Go to Reconcile</LinkButton>}
            >
              Whatever is signed off on Reconcile stands here, with what became of it.
            </EmptyState>
          );
        return (
          <>
            <ApprovalsTable
              approvals={approvals}
              hasSeveralPsas={psas.length > 1}
              onOpen={({ id }) => void navigate({ to: '/approvals/$id', params: { id } })}
            />
            {query.hasNextPage && (
              <Button onPress={() => void query.fetchNextPage()} isDisabled={query.isFetchingNextPage}>
                {query.isFetchingNextPage ? 'Reading older approvals …' : 'Older approvals'}
              </Button>
            )}
          </>
        );
      }}
    </Loaded>
  );
}
