/** How the organization's integrations are called, of which there may be several of one vendor. */
import { useQuery } from '@tanstack/react-query';
import { useVendorName } from '../catalogue/queries.ts';
import { integrationsQuery } from './queries.ts';
import { nameOf } from './state.ts';

/**
 * @returns what an integration is called among the others, those of one name with their numbers in the order in which they were
 *   connected; undefined while they are being read, and for one that is not there
 */
export function useIntegrationName(): (id: string) => string | undefined {
  const integrations = useQuery(integrationsQuery).data?.items ?? [];
  const vendorName = useVendorName();
  const called = (each: (typeof integrations)[number]) => nameOf(each, vendorName(each.vendor));
  return (id) => {
    const integration = integrations.find((each) => each.id === id);
    if (!integration) return undefined;
    const name = called(integration);
    const same = integrations
      .filter((each) => called(each) === name)
      .toSorted((a, b) => (`${a.createdAt} ${a.id}` < `${b.createdAt} ${b.id}` ? -1 : 1));
    return same.length > 1 ? `${name} (${same.indexOf(integration) + 1})` : name;
  };
}
