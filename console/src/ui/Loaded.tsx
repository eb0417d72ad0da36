import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { isProblem } from '../api/problem.ts';
import { EmptyState } from './EmptyState.tsx';
import { ProblemBanner } from './ProblemBanner.tsx';

interface Props<T> {
  query: UseQueryResult<T>;
  /** Shown until the first answer. */
  loading: ReactNode;
  /** What the page would show, for whoever may not see it: "The runs". */
  what: string;
  children: (data: T) => ReactNode;
}

/** What was asked, in the state in which it is: being read, refused for want of rights, failed, or there. */
export function Loaded<T>({ query, loading, what, children }: Props<T>) {
  if (query.data !== undefined) return children(query.data);
  if (query.isPending) return loading;
  if (isProblem(query.error) && query.error.status === 403) {
    return (
      <EmptyState title={`${what} are not yours to see`}>
        {query.error.message} Ask an admin of your organization for it.
      </EmptyState>
    );
  }
  return <ProblemBanner error={query.error} onRetry={() => void query.refetch()} />;
}
