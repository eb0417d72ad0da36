import { Link } from '@tanstack/react-router';
import { EmptyState } from '../ui/EmptyState.tsx';
import { Page } from '../ui/Page.tsx';

export function NotFound() {
  return (
    <main>
      <Page title="No such page">
        <EmptyState title="There is nothing at this address" action={<Link to="/">Go to the first page</Link>}>
          It was mistyped, or what it showed is gone.
        </EmptyState>
      </Page>
    </main>
  );
}
