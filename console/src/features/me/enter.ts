import type { QueryClient } from '@tanstack/react-query';
import { api, ask, sendOnce } from '../../api/client.ts';
import { isProblem } from '../../api/problem.ts';
import { openSession } from '../../api/session.ts';
import { forgetShown } from '../integrationHealth/live.ts';
import { meQuery } from './queries.ts';

/** Begins with a session that was just opened. What was read for somebody else is forgotten; it is not that person's to see. */
export async function enter(queryClient: QueryClient): Promise<void> {
  const before = queryClient.getQueryData(meQuery.queryKey);
  // A browser that keeps no cookies is told so, and not asked to sign in again and again.
  const now = await ask(api.GET('/v1/me', { fetch: sendOnce }));
  const isSame = before?.organization.id === now.organization.id && before.person?.id === now.person?.id;
  if (before && !isSame) {
    // The page that somebody else has left open holds what was typed there, too.
    window.location.assign('/');
    return;
  }
  queryClient.setQueryData(meQuery.queryKey, now);
  if (!before) forgetShown();
  openSession();
}

/** Asks the API once whether there is a session already. When it cannot say, the page is shown, and says so itself. */
export async function findSession(queryClient: QueryClient): Promise<void> {
  try {
    await queryClient.fetchQuery(meQuery);
    openSession();
  } catch (error) {
    if (!isProblem(error) || error.status !== 401) openSession();
  }
}
