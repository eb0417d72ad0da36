import { EmptyState } from '../ui/EmptyState.tsx';
import { Page } from '../ui/Page.tsx';

export function NewCustomers() {
  return (
    <Page title="New customers">
      <EmptyState title="Not here yet">
        Customers that the vendor has and nobody has mapped yet. Until this page is here, the API has it: see /docs.
      </EmptyState>
    </Page>
  );
}
