import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { psasQuery, vendorsQuery } from '../features/catalogue/queries.ts';
import { healthQuery } from '../features/integrationHealth/queries.ts';
import { IntegrationCard } from '../features/integrations/IntegrationCard.tsx';
import { integrationsQuery } from '../features/integrations/queries.ts';
import { VendorCard } from '../features/integrations/VendorCard.tsx';
import { useMay } from '../features/me/queries.ts';
import { PsaConnections } from '../features/psaConnections/PsaConnections.tsx';
import { psaConnectionsQuery } from '../features/psaConnections/queries.ts';
import { EmptyState } from '../ui/EmptyState.tsx';
import { LinkButton } from '../ui/LinkButton.tsx';
import { Loaded } from '../ui/Loaded.tsx';
import { Page } from '../ui/Page.tsx';
import { Skeleton } from '../ui/Skeleton.tsx';
import styles from './integrations.module.css';

/** What is connected, and what can be: first the PSA, then the vendors. */
export function Integrations() {
  return (
    <Page title="Integrations" lead="Your PSA, each vendor that is connected, and what waits for whom.">
      <Psas />
      <Connected />
      <Vendors />
    </Page>
  );
}

function Psas() {
  const connections = useQuery(psaConnectionsQuery);
  const psas = useQuery(psasQuery);
  const isAdmin = useMay('admin');
  return (
    <Part title="Your PSA">
      <Loaded query={connections} what="The PSA connections" loading={<Skeleton label="Reading your PSA …" rows={2} />}>
        {({ items }) =>
          items.length === 0 ? (
            <EmptyState
              title="Connect your PSA first"
              action={
                isAdmin && (
                  <LinkButton to="/psa-connections/new" look="main">
                    Connect your PSA
                  </LinkButton>
                )
              }
            >
              {isAdmin
                ? 'Vendors are connected to it afterwards: what they count is compared with what you bill there.'
                : 'An admin of your organization connects it; vendors are connected to it afterwards.'}
            </EmptyState>
          ) : (
            <PsaConnections connections={items} psas={psas.data?.items ?? []} />
          )
        }
      </Loaded>
    </Part>
  );
}

function Connected() {
  const integrations = useQuery(integrationsQuery);
  const health = useQuery(healthQuery);
  const vendors = useQuery(vendorsQuery).data?.items ?? [];
  return (
    <Loaded
      query={integrations}
      what="The integrations"
      loading={<Skeleton label="Reading the integrations …" rows={8} />}
    >
      {({ items }) =>
        items.length > 0 && (
          <Part title="Connected">
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
                    vendor={vendors.find(({ id }) => id === integration.vendor)?.name ?? integration.vendor}
                  />
                ))
              }
            </Loaded>
          </Part>
        )
      }
    </Loaded>
  );
}

function Vendors() {
  const vendors = useQuery(vendorsQuery);
  const connections = useQuery(psaConnectionsQuery).data?.items ?? [];
  const integrations = useQuery(integrationsQuery).data?.items ?? [];
  const isAdmin = useMay('admin');
  return (
    <Part title="Vendors">
      <Loaded query={vendors} what="The vendors" loading={<Skeleton label="Reading the vendors …" />}>
        {({ items }) => (
          <div className={styles['cards']}>
            {items.map((vendor) => (
              <VendorCard
                key={vendor.id}
                vendor={vendor}
                canConnect={isAdmin && connections.length > 0}
                isConnected={integrations.some((each) => each.vendor === vendor.id && each.disconnectedAt === null)}
              />
            ))}
          </div>
        )}
      </Loaded>
    </Part>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={styles['part']} aria-label={title}>
      <h2>{title}</h2>
      {children}
    </section>
  );
}
