import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { AuditTable } from '../features/audit/AuditTable.tsx';
import { auditQuery, type AuditFilter } from '../features/audit/queries.ts';
import { actorChoices, kindChoices } from '../features/audit/choices.ts';
import { apart } from '../features/audit/words.ts';
import { useActors } from '../features/members/actors.ts';
import { DaysFields, timeZone, WrongDays } from '../ui/DayField.tsx';
import { Button } from '../ui/Button.tsx';
import { EmptyState } from '../ui/EmptyState.tsx';
import { DownloadButton } from '../ui/LinkButton.tsx';
import { Loaded } from '../ui/Loaded.tsx';
import { Page } from '../ui/Page.tsx';
import { Actions, Soft } from '../ui/Section.tsx';
import { Select } from '../ui/Select.tsx';
import { Skeleton } from '../ui/Skeleton.tsx';

/** Who changed what, and when. */
export function Audit() {
  const search = useSearch({ from: '/shell/audit' });
  const navigate = useNavigate();
  const [isWrong, setWrong] = useState(false);
  const filter: AuditFilter = { ...search, ...(search.from || search.to ? { timeZone } : {}) };
  const isFiltered = Object.keys(search).length > 0;
  const change = (changed: { [Name in keyof typeof search]: string | undefined }) => {
    const kept = Object.entries({ ...search, ...changed }).filter(([, value]) => value !== undefined);
    void navigate({ to: '/audit', search: Object.fromEntries(kept) });
  };
  const by = search.by ?? 'anybody';
  const people = useActors(actorChoices, by);
  const kinds = kindChoices.some(({ id }) => id === (search.action ?? 'anything'))
    ? kindChoices
    : [...kindChoices, { id: search.action ?? '', name: search.action ?? '' }];
  return (
    <Page
      title="Audit"
      lead="Who changed what, and when. Each change is noted with it, and nothing here can be changed."
      actions={
        <>
          <Select
            label="Who"
            choices={people}
            chosen={by}
            onChoose={(id) => change({ by: id === 'anybody' ? undefined : id })}
          />
          <Select
            label="What"
            choices={kinds}
            chosen={search.action ?? 'anything'}
            onChoose={(action) => change({ action: action === 'anything' ? undefined : action })}
          />
          <DaysFields days={search} onChange={change} onWrong={setWrong} />
          {!isWrong && (
            <DownloadButton path="/v1/audit.csv" query={{ ...filter }}>
              Download CSV
            </DownloadButton>
          )}
        </>
      }
    >
      {isFiltered && (
        <Actions>
          <Soft>
            {search.subjectId === undefined
              ? 'Only what fits what was chosen.'
              : `Only about ${apart(search.subjectKind ?? 'the one with the id')} ${search.subjectId}.`}
          </Soft>
          <Button onPress={() => void navigate({ to: '/audit', search: {} })}>Show everything</Button>
        </Actions>
      )}
      {isWrong ? (
        <WrongDays />
      ) : (
        <Entries
          filter={filter}
          isFiltered={isFiltered}
          onFollow={({ subjectKind, subjectId }) => void navigate({ to: '/audit', search: { subjectKind, subjectId } })}
        />
      )}
    </Page>
  );
}

interface Props {
  filter: AuditFilter;
  isFiltered: boolean;
  onFollow: (subject: { subjectKind: string; subjectId: string }) => void;
}

function Entries({ filter, isFiltered, onFollow }: Props) {
  const query = useInfiniteQuery(auditQuery(filter));
  return (
    <Loaded query={query} what="The audit" loading={<Skeleton label="Reading the audit …" rows={12} />}>
      {({ pages }) => {
        const entries = pages.flatMap(({ items }) => items);
        if (entries.length === 0)
          return (
            <EmptyState title={isFiltered ? 'Nothing fits' : 'Nothing was changed yet'}>
              {isFiltered
                ? 'Nobody changed anything that fits what you chose.'
                : 'Whatever people, tokens, vendors or Countersign change is noted here.'}
            </EmptyState>
          );
        return (
          <>
            <AuditTable entries={entries} onFollow={onFollow} />
            {query.hasNextPage && (
              <Button onPress={() => void query.fetchNextPage()} isDisabled={query.isFetchingNextPage}>
                {query.isFetchingNextPage ? 'Reading older changes …' : 'Older changes'}
              </Button>
            )}
          </>
        );
      }}
    </Loaded>
  );
}
