import { useInfiniteQuery, useQueries, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useVendorName } from '../features/catalogue/queries.ts';
import { useIntegrationName, useIntegrationTitle } from '../features/integrations/names.ts';
import { integrationsQuery } from '../features/integrations/queries.ts';
import type { Integration } from '../features/integrations/state.ts';
import { progressQuery } from '../features/mappings/queries.ts';
import { useMay } from '../features/me/queries.ts';
import { useDecideCustomer } from '../features/onboardings/decide.ts';
import { NewCustomer } from '../features/onboardings/NewCustomer.tsx';
import styles from '../features/onboardings/NewCustomer.module.css';
import { filterOf, onboardingsQuery, type OnboardingsAsked } from '../features/onboardings/queries.ts';
import { Banner } from '../ui/Banner.tsx';
import { Button } from '../ui/Button.tsx';
import { EmptyState } from '../ui/EmptyState.tsx';
import { formatMany } from '../ui/format.ts';
import { Icon } from '../ui/Icon.tsx';
import { DownloadButton } from '../ui/LinkButton.tsx';
import { Loaded } from '../ui/Loaded.tsx';
import { Page } from '../ui/Page.tsx';
import { Select } from '../ui/Select.tsx';
import { Skeleton } from '../ui/Skeleton.tsx';

export function NewCustomers() {
  const asked = useSearch({ from: '/shell/new-customers' });
  const query = useInfiniteQuery(onboardingsQuery(asked));
  const integrations = useQuery(integrationsQuery).data?.items ?? [];
  const vendorName = useVendorName();
  const integrationTitle = useIntegrationTitle();
  const may = useMay('operate');
  const decide = useDecideCustomer();
  return (
    <Page
      title="New customers"
      actions={
        <>
          <Only asked={asked} />
          <DownloadButton path="/v1/onboardings.csv" query={filterOf(asked)}>
            Download CSV
          </DownloadButton>
        </>
      }
      lead="Customers that appeared after their integration was connected and are not mapped yet, the one that has waited longest first. None is billed before it is mapped."
    >
      {decide.words !== undefined && (
        <div className={styles['last']}>
          {may && (
            <Button onPress={decide.undo} isDisabled={!decide.canUndo}>
              <Icon name="undo" />
              Undo
            </Button>
          )}
          <span role="status">{decide.words}</span>
        </div>
      )}
      <Loaded query={query} what="New customers" loading={<Skeleton label="Reading the new customers …" rows={9} />}>
        {({ pages }) => {
          const customers = pages.flatMap(({ items }) => items);
          if (customers.length === 0 && asked.escalated)
            return (
              <EmptyState title="Nobody has waited too long">
                Whoever waits is a problem only after some time; the list of all says when.
              </EmptyState>
            );
          if (customers.length === 0) return <Nobody integrations={integrations} />;
          return (
            <>
              {!may && (
                <Banner title="You may look, and change nothing">
                  Ask an admin of your organization for the right to operate.
                </Banner>
              )}
              <ul className={styles['customers']} aria-label="New customers">
                {customers.map((customer) => {
                  const integration = integrations.find(({ id }) => id === customer.integrationId);
                  return (
                    <NewCustomer
                      key={`${customer.integrationId}/${customer.vendorAccountId}`}
                      customer={customer}
                      integration={integration}
                      vendor={integration ? vendorName(integration.vendor) : 'the vendor'}
                      from={integrationTitle(customer.integrationId) ?? 'the vendor'}
                      decide={decide}
                    />
                  );
                })}
              </ul>
              <Unmapped integrations={integrations} />
              {query.hasNextPage && (
                <Button onPress={() => void query.fetchNextPage()} isDisabled={query.isFetchingNextPage}>
                  {query.isFetchingNextPage ? 'Reading more …' : 'More customers'}
                </Button>
              )}
            </>
          );
        }}
      </Loaded>
    </Page>
  );
}

const kinds = [
  { id: 'all', name: 'All that are on their way' },
  { id: 'escalated', name: 'Those that wait too long' },
] as const;

function Only({ asked: { escalated } }: { asked: OnboardingsAsked }) {
  const navigate = useNavigate();
  return (
    <Select
      label="Show"
      choices={kinds}
      chosen={escalated ? 'escalated' : 'all'}
      onChoose={(id) =>
        void navigate({ to: '/new-customers', search: id === 'escalated' ? { escalated: true } : {}, replace: true })
      }
    />
  );
}

function Nobody({ integrations }: { integrations: readonly Integration[] }) {
  return integrations.some(({ process }) => process.done) ? (
    <>
      <EmptyState title="No new customer waits">
        A customer that comes after the integration was connected, and that nobody has mapped yet, appears here with the
        next sync, with the nearest names beside it.
      </EmptyState>
      <Unmapped integrations={integrations} />
    </>
  ) : (
    <EmptyState title="Nothing is connected yet" action={<Link to="/integrations">Integrations</Link>}>
      The customers that an integration has when it is connected are mapped then; those that come later appear here.
    </EmptyState>
  );
}

/** Customers that nobody mapped when the integration was connected are no new customers: where they are. */
function Unmapped({ integrations }: { integrations: readonly Integration[] }) {
  const integrationName = useIntegrationName();
  const active = integrations.filter(({ disconnectedAt, process }) => disconnectedAt === null && process.done);
  const progress = useQueries({ queries: active.map(({ id }) => progressQuery(id)) });
  const open = active.flatMap((integration, at) => {
    const count = progress[at]?.data?.accounts.open ?? 0;
    return count > 0 ? [{ integration, count }] : [];
  });
  if (open.length === 0) return null;
  return (
    <ul className={styles['soft']} aria-label="Customers without a mapping">
      {open.map(({ integration, count }) => (
        <li key={integration.id}>
          {`${integrationName(integration.id) ?? ''}: ${formatMany(count, 'customer is', 'customers are')} not mapped in all, those from before it was connected too. `}
          <Link to="/integrations/$id/accounts" params={{ id: integration.id }}>
            Account mapping
          </Link>{' '}
          has them.
        </li>
      ))}
    </ul>
  );
}
