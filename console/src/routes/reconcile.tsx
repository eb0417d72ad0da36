import { EmptyState } from '../ui/EmptyState.tsx';
import { Page } from '../ui/Page.tsx';

export function Reconcile() {
  return (
    <Page title="Reconcile">
      <EmptyState title="Not here yet">
        What is billed beside what is used, card by card. Until this page is here, the API has it: see /docs.
      </EmptyState>
    </Page>
  );
}
