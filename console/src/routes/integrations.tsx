import { useQuery } from '@tanstack/react-query';
import { useVendorName } from '../features/catalogue/queries.ts';
import { healthQuery } from '../features/integrationHealth/queries.ts';
import { IntegrationCard } from '../features/integrations/IntegrationCard.tsx';
import { integrationsQuery } from '../features/integrations/queries.ts';
import { EmptyState } from '../ui/EmptyState.tsx';
import { Loaded } from '../ui/Loaded.tsx';
import { Page } from '../ui/Page.tsx';
import { Skeleton } from '../ui/Skeleton.tsx';

export function Integrations() {
  const integrations = useQuery(integrationsQuery);
  const health = useQuery(healthQuery);
  const vendorName = useVendorName();
  return (
    <Page title="Integrations" lead="Each vendor that is connected: how it is, and what waits for whom.">
      <Loaded
        query={integrations}
        what="The integrations"
        loading={<Skeleton label="Reading the integrations …" rows={8} />}
      >
        {({ items }) =>
          items.length === 0 ? (
            <EmptyState title="Nothing is connected yet">
              Connect your PSA first, then a vendor. Until the pages for it are here, docs/connecting.md goes through
              the requests.
            </EmptyState>
          ) : (
            <Loaded
              query={health}
              what="How the integrations are"
              loading={<Skeleton label="Reading how they are …" rows={8} />}
            >
              {({ items: healths }) =>
                items.map((integration) => (
                  <IntegrationCard
                    key={integration.id}
                    integration={integration}
                    health={healths.find(({ integrationId }) => integrationId === integration.id)}
                    vendor={vendorName(integration.vendor)}
                  />
                ))
              }
            </Loaded>
          )
        }
      </Loaded>
    </Page>
  );
}
