/**
 * What goes on now, asked again and again: it feeds Sync Status, the counts in the navigation and the Refresh button, and no
 * page. A page changes when a person presses Refresh.
 */
import { useQuery, useQueryClient, type QueryClient } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import { askIntegrations } from '../integrations/queries.ts';
import { syncStateOf, type Integration } from '../integrations/state.ts';
import type { Health } from './queries.ts';

const idleMs = 5_000;
const busyMs = 1_500;
/** How long a sync that was asked for may take to begin. */
const beginsWithinMs = 20_000;

export interface Live {
  health: readonly Health[];
  integrations: readonly Integration[];
  /** Whether a sync of any integration is under way. */
  isSyncing: boolean;
}

let hurryUntil = 0;

/** Called when a sync was asked for: it is looked for more often until it has begun. */
export function expectSync(queryClient: QueryClient): void {
  hurryUntil = Date.now() + beginsWithinMs;
  void queryClient.invalidateQueries({ queryKey: keys.integrations.live });
}

/** @returns undefined until the first answer */
export function useLive(): Live | undefined {
  const integrations = useQuery({
    queryKey: keys.integrations.live,
    queryFn: ({ signal }) => askIntegrations(signal),
    refetchInterval: (query) =>
      (query.state.data?.items ?? []).some(isBusy) || Date.now() < hurryUntil ? busyMs : idleMs,
  });
  const isSyncing = (integrations.data?.items ?? []).some(isBusy);
  const health = useQuery({
    queryKey: keys.health.live,
    queryFn: ({ signal }) => ask(api.GET('/v1/health', { signal })),
    refetchInterval: isSyncing ? busyMs : idleMs,
  });
  if (!integrations.data || !health.data) return undefined;
  return { health: health.data.items, integrations: integrations.data.items, isSyncing };
}

const isBusy = (integration: Integration) => syncStateOf(integration) === 'running';

/** What makes the data of a page old when it changes: runs that ended, what waits, what was connected. Ages do not count. */
function fingerprint({ health, integrations }: Live): string {
  return JSON.stringify([
    health.map(
      ({ dataAgeSeconds: _data, psaAgeSeconds: _psa, nextSyncAt: _next, credentials: _given, ...rest }) => rest,
    ),
    integrations.map(({ id, disconnectedAt, process }) => [id, disconnectedAt, process.waitsFor]),
  ]);
}

let shown: string | undefined;
const listeners = new Set<() => void>();

/** Whether there is newer data than the pages show, and how to show it. */
export function useRefresh(live: Live | undefined): { isNew: boolean; refresh: () => void } {
  const queryClient = useQueryClient();
  const now = live && fingerprint(live);
  const seen = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => (shown ??= now),
  );
  return {
    isNew: now !== undefined && seen !== undefined && now !== seen,
    refresh: () => {
      shown = now;
      for (const listener of listeners) listener();
      void queryClient.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'live' });
    },
  };
}

/** When somebody else signs in, nothing has been shown yet. */
export function forgetShown(): void {
  shown = undefined;
}
