import { Banner } from '../../ui/Banner.tsx';
import { AwayButton } from '../../ui/LinkButton.tsx';
import { useVendor } from '../catalogue/queries.ts';
import type { Integration } from './state.ts';

type Of = Pick<Integration, 'intake' | 'sync' | 'migration' | 'vendor' | 'disconnectedAt'>;

/** Whether a person has to make the vendor send its counts before anything goes on. */
export function waitsForCounts({ intake, sync, migration, disconnectedAt }: Of): boolean {
  if (intake !== 'push' || disconnectedAt !== null) return false;
  const isOpen = (steps: Of['sync']['steps'], name: string) => {
    const next = steps.find(({ state }) => state !== 'done' && state !== 'skipped');
    return next?.step === name;
  };
  return isOpen(sync.steps, 'counts') || (migration !== null && isOpen(migration.steps, 'updateCounts'));
}

/** What a person does now in the vendor's own pages, in the vendor's words; nothing unless counts are waited for. */
export function CountsHint({ integration }: { integration: Of }) {
  const vendor = useVendor(integration.vendor);
  if (!vendor || !waitsForCounts(integration)) return null;
  return (
    <Banner
      tone="care"
      title={vendor.portal.updateCounts}
      action={vendor.portal.url !== null && <AwayButton href={vendor.portal.url}>Open Portal</AwayButton>}
    >
      Nothing goes on before the counts have come; what happens then shows up here by itself.
    </Banner>
  );
}
