import { EmptyState } from '../ui/EmptyState.tsx';
import { Page } from '../ui/Page.tsx';

export function Audit() {
  return (
    <Page title="Audit">
      <EmptyState title="Not here yet">
        Who changed what, and when. Until this page is here, the API has it: see /docs.
      </EmptyState>
    </Page>
  );
}
