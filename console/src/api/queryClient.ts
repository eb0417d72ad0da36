import { QueryClient } from '@tanstack/react-query';
import { onHealed } from './connection.ts';
import { isProblem } from './problem.ts';

/**
 * Nothing is read anew by itself: what a person looks at changes when that person presses Refresh, changes it, or opens another
 * page (`readAnewOnNextPage`). What failed because nobody answered is read when the connection is there again.
 */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: Infinity,
      networkMode: 'always',
      refetchOnWindowFocus: false,
      refetchOnReconnect: false,
      // A 503 and an error of the api's pass; a refusal stays one.
      retry: (failures, error) => isProblem(error) && error.status >= 500 && failures < 2,
    },
    mutations: { networkMode: 'always' },
  },
});

/** A page that is opened shows what is so then, not what it was when it was open last; the page that is left does not move. */
export function readAnewOnNextPage(): void {
  void queryClient.invalidateQueries({ refetchType: 'none' });
}

onHealed(() => {
  void queryClient.refetchQueries({ predicate: (query) => query.state.status === 'error' });
});
