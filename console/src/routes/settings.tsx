import { EmptyState } from '../ui/EmptyState.tsx';
import { Page } from '../ui/Page.tsx';

export function Settings() {
  return (
    <Page title="Settings">
      <EmptyState title="Not here yet">
        PSA connections, rights, members and tokens. Until this page is here, the API has it: see /docs.
      </EmptyState>
    </Page>
  );
}
