import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useVendorName } from '../features/catalogue/queries.ts';
import { integrationsQuery } from '../features/integrations/queries.ts';
import { useMay } from '../features/me/queries.ts';
import { NewCustomer } from '../features/onboardings/NewCustomer.tsx';
import styles from '../features/onboardings/NewCustomer.module.css';
import { onboardingsQuery } from '../features/onboardings/queries.ts';
import { Banner } from '../ui/Banner.tsx';
import { Button } from '../ui/Button.tsx';
import { EmptyState } from '../ui/EmptyState.tsx';
import { Loaded } from '../ui/Loaded.tsx';
import { Page } from '../ui/Page.tsx';
import { Skeleton } from '../ui/Skeleton.tsx';

export function NewCustomers() {
  const query = useInfiniteQuery(onboardingsQuery);
  const integrations = useQuery(integrationsQuery).data?.items ?? [];
  const vendorName = useVendorName();
  const may = useMay('operate');
  return (
    <Page
      title="New customers"
      lead="Customers that appeared after an integration was connected, the one that has waited longest first. None is billed before it is mapped."
    >
      <Loaded query={query} what="New customers" loading={<Skeleton label="Reading the new customers …" rows={9} />}>
        {({ pages }) => {
          const customers = pages.flatMap(({ items }) => items);
          if (customers.length === 0) return <Nobody isConnected={integrations.some(({ process }) => process.done)} />;
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
                    />
                  );
                })}
              </ul>
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

function Nobody({ isConnected }: { isConnected: boolean }) {
  return isConnected ? (
    <EmptyState title="Nobody waits">
      A customer that the vendor has and that nobody has mapped yet appears here with the next sync, with the nearest
      names beside it.
    </EmptyState>
  ) : (
    <EmptyState title="Nothing is connected yet" action={<Link to="/integrations">Integrations</Link>}>
      The customers that an integration has when it is connected are mapped then; those that come later appear here.
    </EmptyState>
  );
}
