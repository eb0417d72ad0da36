/** How the organization's integrations are called, of which there may be several of one vendor. */
import { useQuery } from '@tanstack/react-query';
import { useVendorName } from '../catalogue/queries.ts';
import { integrationsQuery } from './queries.ts';
import { nameOf } from './state.ts';

/** @returns what an integration is called among the others; undefined while they are being read, and for one that is not there */
export function useIntegrationName(): (id: string) => string | undefined {
  const integrations = useQuery(integrationsQuery).data?.items ?? [];
  const vendorName = useVendorName();
  return (id) => {
    const integration = integrations.find((each) => each.id === id);
    return integration && nameOf(integration, vendorName(integration.vendor));
  };
}
