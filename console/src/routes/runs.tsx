import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { integrationsQuery } from '../features/integrations/queries.ts';
import { useIntegrationName } from '../features/integrations/names.ts';
import { syncStateOf, type Integration } from '../features/integrations/state.ts';
import { HeldReadings } from '../features/psaConnections/HeldRefresh.tsx';
import { runsQuery } from '../features/syncs/queries.ts';
import { RunsTable } from '../features/syncs/RunsTable.tsx';
import { Button } from '../ui/Button.tsx';
import { EmptyState } from '../ui/EmptyState.tsx';
import { DownloadButton } from '../ui/LinkButton.tsx';
import { Loaded } from '../ui/Loaded.tsx';
import { Page } from '../ui/Page.tsx';
import { Select } from '../ui/Select.tsx';
import { terms } from '../terms.ts';
import { Skeleton } from '../ui/Skeleton.tsx';

export function Runs() {
  const integrations = useQuery(integrationsQuery);
  const { integration: wanted } = useSearch({ from: '/shell/runs' });
  const navigate = useNavigate();
  const integrationName = useIntegrationName();
  const items = integrations.data?.items ?? [];
  const chosen = items.find(({ id }) => id === wanted) ?? items[0];
  return (
    <Page
      title="Runs"
      lead={`Each sync run: when, how it ended, and what it read. Open one for its steps, and for what a held one would change. ${terms.held}`}
      actions={
        chosen && (
          <>
            {items.length > 1 && (
              <Select
                label="Integration"
                choices={items.map((each) => ({ id: each.id, name: integrationName(each.id) ?? each.id }))}
                chosen={chosen.id}
                onChoose={(id) => void navigate({ to: '/runs', search: { integration: id } })}
              />
            )}
            <DownloadButton path={`/v1/integrations/${chosen.id}/syncs.csv`}>Download CSV</DownloadButton>
          </>
        )
      }
    >
      <HeldReadings />
      <Loaded query={integrations} what="The runs" loading={<Skeleton label="Reading the integrations …" rows={8} />}>
        {() =>
          chosen ? (
            <RunsOf key={chosen.id} integration={chosen} name={integrationName(chosen.id) ?? ''} />
          ) : (
            <EmptyState title="Nothing is connected yet">An integration that was connected has runs.</EmptyState>
          )
        }
      </Loaded>
    </Page>
  );
}

function RunsOf({ integration, name }: { integration: Integration; name: string }) {
  const query = useInfiniteQuery(runsQuery(integration.id));
  const navigate = useNavigate();
  return (
    <Loaded query={query} what="The runs" loading={<Skeleton label="Reading the runs …" rows={8} />}>
      {({ pages }) => {
        const runs = pages.flatMap(({ items }) => items);
        if (runs.length === 0) {
          return (
            <EmptyState title="No run yet">
              The first one starts by itself when the integration is set up: Review and finish, then Finish.
            </EmptyState>
          );
        }
        return (
          <>
            <RunsTable
              intake={integration.intake}
              isBlocked={syncStateOf(integration) === 'blocked'}
              label={`Sync runs of ${name}`}
              runs={runs}
              onOpen={({ id }) => void navigate({ to: '/runs/$id', params: { id } })}
            />
            {query.hasNextPage && (
              <Button onPress={() => void query.fetchNextPage()} isDisabled={query.isFetchingNextPage}>
                {query.isFetchingNextPage ? 'Reading older runs …' : 'Older runs'}
              </Button>
            )}
          </>
        );
      }}
    </Loaded>
  );
}
