import { EmptyState } from '../ui/EmptyState.tsx';
import { Page } from '../ui/Page.tsx';

export function Alerts() {
  return (
    <Page title="Alerts">
      <EmptyState title="Not here yet">
        Alerts of the vendor and the tickets made of them. Until this page is here, the API has it: see /docs.
      </EmptyState>
    </Page>
  );
}
