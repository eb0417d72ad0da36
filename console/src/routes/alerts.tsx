import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { AlertPanel } from '../features/alerts/AlertPanel.tsx';
import styles from '../features/alerts/alerts.module.css';
import { AlertsTable } from '../features/alerts/AlertsTable.tsx';
import { alertsQuery, filterOf, type AlertsAsked } from '../features/alerts/queries.ts';
import { TestAlertDialog } from '../features/alerts/TestAlertDialog.tsx';
import { alertStates, meaningOf, stateWords } from '../features/alerts/words.ts';
import { usePsaWords } from '../features/catalogue/queries.ts';
import { integrationsQuery } from '../features/integrations/queries.ts';
import { useIntegrationName } from '../features/integrations/names.ts';
import type { Integration } from '../features/integrations/state.ts';
import { searchOf } from '../features/mappings/queries.ts';
import { useMay } from '../features/me/queries.ts';
import { Banner } from '../ui/Banner.tsx';
import { Button } from '../ui/Button.tsx';
import { EmptyState } from '../ui/EmptyState.tsx';
import { DownloadButton, LinkButton } from '../ui/LinkButton.tsx';
import { Loaded } from '../ui/Loaded.tsx';
import { Page } from '../ui/Page.tsx';
import { SearchField } from '../ui/SearchField.tsx';
import { Select } from '../ui/Select.tsx';
import { Skeleton } from '../ui/Skeleton.tsx';

const any = 'any';
const states = [
  { id: any, name: 'Any state' },
  ...alertStates.map((id) => ({
    id,
    name: stateWords[id].word,
  })),
];

export function Alerts() {
  const { alert: opened, ...asked } = useSearch({ from: '/shell/alerts' });
  const navigate = useNavigate({ from: '/alerts' });
  const [isTesting, setTesting] = useState(false);
  const may = useMay('operate');
  const known = useQuery(integrationsQuery);
  const integrations = known.data?.items ?? [];
  const carrying = integrations.filter(({ modules }) => modules.includes('alerts'));
  const active = carrying.filter(({ disconnectedAt }) => disconnectedAt === null);
  const query = useInfiniteQuery(alertsQuery(asked));
  const words = usePsaWords((carrying.find(({ id }) => id === asked.integration) ?? carrying[0])?.psaConnectionId);
  const isFiltered = Object.values(asked).some((value) => value !== undefined);
  return (
    <Page
      title="Alerts"
      lead={`What the vendor reports, each as one ${words.ticket.one}, the newest first.`}
      actions={
        <>
          {may && active.length > 0 && <Button onPress={() => setTesting(true)}>Test alert …</Button>}
          <DownloadButton path="/v1/alerts.csv" query={filterOf(asked)}>
            Download CSV
          </DownloadButton>
        </>
      }
    >
      {!may && (
        <Banner title="You may look, and change nothing">
          Ask an admin of your organization for the right to operate.
        </Banner>
      )}
      <Filters asked={asked} carrying={carrying} />
      <Loaded query={query} what="The alerts" loading={<Skeleton label="Reading the alerts …" rows={9} />}>
        {({ pages }) => {
          const alerts = pages.flatMap(({ items }) => items);
          if (alerts.length === 0)
            return isFiltered ? (
              <EmptyState title="No alert fits" action={<LinkButton to="/alerts">All alerts</LinkButton>}>
                Another state, or a part of a title, a customer&apos;s name or a {words.ticket.one}&apos;s number, may
                find it.
              </EmptyState>
            ) : (
              known.data && <None carrying={active} />
            );
          return (
            <>
              <AlertsTable
                alerts={alerts}
                ticket={words.ticket.one}
                onOpen={({ id }) => void navigate({ search: (now) => ({ ...now, alert: id }) })}
              />
              {query.hasNextPage && (
                <Button onPress={() => void query.fetchNextPage()} isDisabled={query.isFetchingNextPage}>
                  {query.isFetchingNextPage ? 'Reading more …' : 'More alerts'}
                </Button>
              )}
            </>
          );
        }}
      </Loaded>
      {opened !== undefined && (
        <AlertPanel
          key={opened}
          id={opened}
          integrations={integrations}
          onClose={() => void navigate({ search: asked })}
        />
      )}
      {isTesting && <TestAlertDialog integrations={active} onClose={() => setTesting(false)} />}
    </Page>
  );
}

function Filters({ asked, carrying }: { asked: AlertsAsked; carrying: readonly Integration[] }) {
  const navigate = useNavigate({ from: '/alerts' });
  const integrationName = useIntegrationName();
  const { state, integration, search, gathered } = asked;
  const words = usePsaWords((carrying.find(({ id }) => id === integration) ?? carrying[0])?.psaConnectionId);
  const ask = (change: Partial<Record<keyof AlertsAsked, string | undefined>>) =>
    void navigate({ search: (now) => ({ ...now, ...change }) as AlertsAsked, replace: true });
  return (
    <>
      <div className={styles['filters']}>
        <Select
          label="State"
          choices={states}
          chosen={state ?? any}
          onChoose={(id) => ask({ state: id === any ? undefined : id })}
        />
        {carrying.length > 1 && (
          <Select
            label="Integration"
            choices={[
              { id: any, name: 'All' },
              ...carrying.map((each) => ({ id: each.id, name: integrationName(each.id) ?? each.id })),
            ]}
            chosen={integration ?? any}
            onChoose={(id) => ask({ integration: id === any ? undefined : id })}
          />
        )}
        <SearchField
          label="Search"
          placeholder="Title, customer or number"
          initial={search ?? ''}
          onSearch={(text) => ask({ search: searchOf(text).search })}
        />
        <p className={styles['links']}>
          {carrying
            .filter(({ disconnectedAt }) => disconnectedAt === null)
            .map((each) => (
              <Link key={each.id} to="/integrations/$id/alerts" params={{ id: each.id }}>
                {carrying.length > 1 ? `Settings of ${integrationName(each.id) ?? ''}` : 'Alert settings'}
              </Link>
            ))}
        </p>
      </div>
      {state !== undefined && <p>{`${stateWords[state].word}: ${meaningOf(state, words)}`}</p>}
      {gathered !== undefined && (
        <Banner
          title="Only alerts that share one ticket are shown"
          action={<Button onPress={() => ask({ gathered: undefined })}>Show all</Button>}
        />
      )}
    </>
  );
}

function None({ carrying }: { carrying: readonly Integration[] }) {
  return carrying.length > 0 ? (
    <EmptyState title="No alert yet">
      An alert appears here when the vendor reports it. A test alert shows whether it would become a ticket.
    </EmptyState>
  ) : (
    <EmptyState title="No integration carries alerts" action={<Link to="/integrations">Integrations</Link>}>
      An integration can be connected for alerts from the start, or migrated to alerts later, from its own page.
    </EmptyState>
  );
}
