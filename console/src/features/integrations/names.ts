/** How the organization's integrations are called, of which there may be several of one vendor. */
import { useQuery } from '@tanstack/react-query';
import { numbered } from '../../numbered.ts';
import { useVendorName } from '../catalogue/queries.ts';
import { integrationsQuery } from './queries.ts';
import { moduleWords } from './state.ts';

/**
 * @returns what an integration is called among the others: its vendor, its modules, the name at the vendor, and a number where
 *   another one has all of this in common with it; undefined while they are being read, and for one that is not there
 */
export function useIntegrationName(): (id: string) => string | undefined {
  const integrations = useQuery(integrationsQuery).data?.items ?? [];
  const vendorName = useVendorName();
  return numbered(integrations, ({ vendor, modules, vendorName: mine }) =>
    [vendorName(vendor), modules.map((module) => moduleWords[module]).join(' and '), mine]
      .filter((part) => part !== null)
      .join(' · '),
  );
}

/** @returns the same for a title: the vendor's name alone is enough where nothing else is connected of that vendor */
export function useIntegrationTitle(): (id: string) => string | undefined {
  const integrations = useQuery(integrationsQuery).data?.items ?? [];
  const vendorName = useVendorName();
  const integrationName = useIntegrationName();
  return (id) => {
    const vendor = integrations.find((each) => each.id === id)?.vendor;
    const isAlone = integrations.filter((each) => each.vendor === vendor).length === 1;
    return vendor !== undefined && isAlone ? vendorName(vendor) : integrationName(id);
  };
}
