/** Decides about vendor accounts: each decision is sent with the version that was shown, and the last can be taken back. */
import { useMutation, useQueryClient, type InfiniteData, type QueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import { isProblem } from '../../api/problem.ts';
import { tellProblem } from '../../ui/Toast.tsx';
import type { Account, Asked, Target } from './queries.ts';
import { calledOf } from './words.ts';

export type Decision =
  | { do: 'map'; to: { id: string; name: string } }
  | { do: 'unmap' }
  | { do: 'exclude'; reason: string | null }
  | { do: 'include' };

/** What was done last: in words, and what takes it back. */
interface Last {
  words: string;
  account: Account;
  back: Decision;
}

interface Asking {
  account: Account;
  decision: Decision;
}

export function useDecide(integrationId: string) {
  const queryClient = useQueryClient();
  const [last, setLast] = useState<Last>();
  const mutation = useMutation({
    mutationFn: async ({ account, decision }: Asking) => ({
      now: await send(integrationId, account, decision),
      account,
      decision,
    }),
    onSuccess: ({ now, account, decision }) => {
      show(queryClient, integrationId, account, now);
      setLast({ words: wordsOf(account, decision), account: now, back: backFrom(account, now) });
    },
    onError: (error, { account }) => {
      tellProblem(error);
      // What somebody else has made of it is shown, so that the next decision is about that.
      if (isProblem(error) && error.status === 409) void look(queryClient, integrationId, account);
    },
  });
  return {
    isBusy: mutation.isPending,
    last,
    decide: (account: Account, decision: Decision) => mutation.mutate({ account, decision }),
    undo: () => last && mutation.mutate({ account: last.account, decision: last.back }),
  };
}

type Seen = Pick<Account, 'id' | 'version' | 'excluded'>;

const pathOf = (id: string, { id: accountId }: Pick<Account, 'id'>) => ({ path: { id, accountId } });

export async function send(id: string, account: Seen, decision: Decision): Promise<Account> {
  const params = { ...pathOf(id, account), query: { seen: account.version } };
  switch (decision.do) {
    case 'map': {
      // An excluded account is included first; nothing is lost by that.
      const seen = account.excluded ? (await include(id, account)).version : account.version;
      return ask(
        api.PUT('/v1/integrations/{id}/accounts/{accountId}/mapping', {
          params: { ...params, query: { seen } },
          body: { psaAccountId: decision.to.id },
        }),
      );
    }
    case 'unmap':
      return ask(api.DELETE('/v1/integrations/{id}/accounts/{accountId}/mapping', { params }));
    case 'exclude':
      return ask(
        api.PUT('/v1/integrations/{id}/accounts/{accountId}/exclusion', {
          params,
          body: decision.reason === null ? {} : { reason: decision.reason },
        }),
      );
    case 'include':
      return include(id, account);
  }
}

const include = (id: string, account: Seen) =>
  ask(api.DELETE('/v1/integrations/{id}/accounts/{accountId}/exclusion', { params: pathOf(id, account) }));

/** The decision that makes an account what it was. */
function backFrom(
  { excluded, excludedWhy, psaAccountId, psaAccountName, psaAccountApart }: Account,
  now: Account,
): Decision {
  if (excluded) return { do: 'exclude', reason: excludedWhy };
  if (psaAccountId !== null) {
    const name = calledOf({ name: psaAccountName ?? psaAccountId, apart: psaAccountApart });
    return { do: 'map', to: { id: psaAccountId, name } };
  }
  return { do: now.excluded ? 'include' : 'unmap' };
}

export function wordsOf(account: Pick<Account, 'name' | 'apart'>, decision: Decision): string {
  const name = calledOf(account);
  switch (decision.do) {
    case 'map':
      return `Mapped ${name} to ${decision.to.name}.`;
    case 'unmap':
      return `Unmapped ${name}.`;
    case 'exclude':
      return `Excluded ${name}.`;
    case 'include':
      return `Included ${name} again.`;
  }
}

async function look(queryClient: QueryClient, integrationId: string, account: Account): Promise<void> {
  const now = await ask(
    api.GET('/v1/integrations/{id}/accounts/{accountId}', { params: pathOf(integrationId, account) }),
  );
  show(queryClient, integrationId, account, now);
}

type Pages<T> = InfiniteData<{ items: T[]; nextCursor: string | null }>;

/**
 * Puts a decision into the lists that are shown, each row where it is. What is left is counted anew, and a list that hides
 * what is mapped is read anew when a hidden row is mapped no more: only the API knows its place.
 */
function show(queryClient: QueryClient, integrationId: string, before: Account, now: Account): void {
  const of = keys.mappings.of(integrationId);
  for (const [key, data] of queryClient.getQueriesData<Pages<Account>>({ queryKey: [...of, 'accounts'] })) {
    if (!data) continue;
    const { hideMapped } = key[3] as Asked;
    if (hideMapped && before.psaAccountId !== null && now.psaAccountId === null) {
      void queryClient.invalidateQueries({ queryKey: key });
      continue;
    }
    const shown = (row: Account) =>
      row.id === now.id
        ? now
        : { ...row, together: row.together + changeOf(row.psaAccountId, before.psaAccountId, now.psaAccountId) };
    queryClient.setQueryData<Pages<Account>>(
      key,
      inPages(data, (row) => (hideMapped && row.id === now.id && now.psaAccountId !== null ? [] : [shown(row)])),
    );
  }
  for (const [key, data] of queryClient.getQueriesData<Pages<Target>>({ queryKey: [...of, 'targets'] })) {
    if (!data) continue;
    const { hideMapped } = key[3] as Asked;
    if (hideMapped && before.psaAccountId !== null && before.psaAccountId !== now.psaAccountId) {
      void queryClient.invalidateQueries({ queryKey: key });
      continue;
    }
    queryClient.setQueryData<Pages<Target>>(
      key,
      inPages(data, (row) => {
        const mapped = row.mapped + changeOf(row.id, before.psaAccountId, now.psaAccountId);
        return hideMapped && mapped > 0 ? [] : [{ ...row, mapped }];
      }),
    );
  }
  void queryClient.invalidateQueries({ queryKey: keys.mappings.progress(integrationId) });
}

function inPages<T>({ pages, ...rest }: Pages<T>, change: (row: T) => T[]): Pages<T> {
  return { ...rest, pages: pages.map(({ items, ...page }) => ({ ...page, items: items.flatMap(change) })) };
}

/** By how many mappings a PSA account has more, when one moved from `before` to `now`. */
function changeOf(id: string | null, before: string | null, now: string | null): number {
  if (id === null || before === now) return 0;
  return id === now ? 1 : id === before ? -1 : 0;
}
