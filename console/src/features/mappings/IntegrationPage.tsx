import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useVendorName } from '../catalogue/queries.ts';
import { useIntegrationName } from '../integrations/names.ts';
import { integrationsQuery } from '../integrations/queries.ts';
import type { Integration } from '../integrations/state.ts';
import { useMay } from '../me/queries.ts';
import { Banner } from '../../ui/Banner.tsx';
import { EmptyState } from '../../ui/EmptyState.tsx';
import { Loaded } from '../../ui/Loaded.tsx';
import { Page } from '../../ui/Page.tsx';
import { Skeleton } from '../../ui/Skeleton.tsx';

interface Props {
  id: string;
  title: string;
  lead: string;
  actions: (integration: Integration, vendor: string) => ReactNode;
  children: (integration: Integration, vendor: string) => ReactNode;
}

/** A page about one integration, from its address. */
export function IntegrationPage({ id, title, lead, actions, children }: Props) {
  const integrations = useQuery(integrationsQuery);
  const vendorName = useVendorName();
  const integrationName = useIntegrationName();
  const may = useMay('operate');
  const integration = integrations.data?.items.find((each) => each.id === id);
  const vendor = integration ? vendorName(integration.vendor) : '';
  return (
    <Page
      title={title}
      lead={integration ? `${integrationName(id) ?? vendor}. ${lead}` : ''}
      actions={integration && actions(integration, vendor)}
    >
      <Loaded
        query={integrations}
        what="The integrations"
        loading={<Skeleton label="Reading the integration …" rows={9} />}
      >
        {() =>
          integration ? (
            <>
              {integration.disconnectedAt !== null ? (
                <Banner title={`${vendor} is disconnected`}>
                  The mappings are kept as they are. Connect it again to change them.
                </Banner>
              ) : (
                !may && (
                  <Banner title="You may look, and change nothing">
                    Ask an admin of your organization for the right to operate.
                  </Banner>
                )
              )}
              {children(integration, vendor)}
            </>
          ) : (
            <EmptyState title="There is no such integration">
              It is not one of your organization. Integrations lists those that are.
            </EmptyState>
          )
        }
      </Loaded>
    </Page>
  );
}
