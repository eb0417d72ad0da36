import { useVendor } from '../catalogue/queries.ts';
import { useNow } from '../integrationHealth/live.ts';
import { CountsHint, waitsForCounts } from '../integrations/CountsHint.tsx';
import type { Integration } from '../integrations/state.ts';
import { terms } from '../../terms.ts';
import { Banner } from '../../ui/Banner.tsx';

/** Before the first counts: that no number stands for a zero, and what brings them. */
export function NothingCounted({ integration: read }: { integration: Integration }) {
  const integration = useNow(read);
  const { intake, process } = integration;
  const vendor = useVendor(integration.vendor);
  if (waitsForCounts(integration)) return <CountsHint integration={integration} />;
  const then =
    intake === 'push'
      ? `After Finish: ${vendor?.portal.updateCounts ?? ''}`
      : process.done
        ? 'The next sync brings the counts.'
        : 'The first sync brings the counts: Finish starts it.';
  return (
    <Banner title="Nothing was counted yet">
      {terms.notCounted} You can map all the same. {then}
    </Banner>
  );
}
