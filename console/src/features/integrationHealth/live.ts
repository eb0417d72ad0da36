/**
 * What goes on now, as the stream of events tells it: it feeds Sync Status, the counts in the navigation and the Refresh
 * button, and the pages that show a process while it goes on. Any other page changes when a person presses Refresh.
 */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useSyncExternalStore } from 'react';
import { follow } from '../../api/events.ts';
import type { Problem } from '../../api/problem.ts';
import { useSession } from '../../api/session.ts';
import type { Schema } from '../../api/types.ts';
import { syncStateOf, type Integration } from '../integrations/state.ts';
import { meQuery } from '../me/queries.ts';
import { approvalsOf, newsOf, seenOf, type News } from './news.ts';

export interface Live extends Schema<'Live'> {
  /** Whether a sync of any integration is under way. */
  isSyncing: boolean;
  /** When the sync of an integration last moved, by this machine's clock. */
  movedAt: ReadonlyMap<string, number>;
}

let live: Live | undefined;
let trouble: Problem | undefined;
/** What the pages show; undefined until the first event. */
let shown: News | undefined;
/** The approvals whose effect the pages show. */
let shownApprovals: ReadonlySet<string> = new Set();
let followers = 0;
let stop: AbortController | undefined;
const listeners = new Set<() => void>();

function tell(): void {
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function take(given: Schema<'Live'>): void {
  const before = live;
  const movedAt = new Map(
    given.integrations.map(({ id }) => {
      const known = before?.movedAt.get(id);
      return [id, known === undefined || progress(before, id) !== progress(given, id) ? Date.now() : known];
    }),
  );
  const isSyncing = given.integrations.some((each) => syncStateOf(each) === 'running');
  live = { ...given, isSyncing, movedAt };
  if (!shown) shownApprovals = new Set(approvalsOf(live));
  shown = shown ? seenOf(shown, newsOf(live)) : newsOf(live);
  tell();
}

function progress(of: Schema<'Live'> | undefined, id: string): string {
  return JSON.stringify([
    of?.integrations.find((each) => each.id === id)?.sync.steps,
    of?.reading.find(({ integrationId }) => integrationId === id),
  ]);
}

function join(): () => void {
  if (followers++ === 0) {
    stop = new AbortController();
    const told = {
      onLive: take,
      onTrouble: (problem: Problem | undefined) => {
        if (problem === trouble) return;
        trouble = problem;
        tell();
      },
    };
    void follow(told, stop.signal);
  }
  return () => {
    if (--followers === 0) stop?.abort();
  };
}

/** @returns undefined until the first event */
export function useLive(): Live | undefined {
  const isOpen = useSession() === 'open';
  useEffect(() => (isOpen ? join() : undefined), [isOpen]);
  return useSyncExternalStore(subscribe, () => live);
}

/** An integration as it is now, for what is shown while it goes on. @param read as the page has read it */
export function useNow(read: Integration): Integration {
  return useLive()?.integrations.find(({ id }) => id === read.id) ?? read;
}

/** Why what goes on cannot be told now; undefined = it can. */
export function useLiveTrouble(): Problem | undefined {
  return useSyncExternalStore(subscribe, () => trouble);
}

/** Whether there is newer data than the pages show, and how to show it. */
export function useRefresh(): { isNew: boolean; refresh: () => void } {
  const queryClient = useQueryClient();
  const me = useQuery(meQuery).data?.person?.id;
  const isNew = useSyncExternalStore(subscribe, () => {
    if (live === undefined || shown === undefined) return false;
    return isNewer(live, shown) || approvalsOf(live, me).some((approval) => !shownApprovals.has(approval));
  });
  return {
    isNew,
    refresh: () => {
      shown = live && newsOf(live);
      shownApprovals = new Set(live && approvalsOf(live));
      tell();
      void queryClient.invalidateQueries();
    },
  };
}

/** A sync that is still at work brings its news, and that of the PSA which it reads, when it is over. */
function isNewer(now: Live, before: News): boolean {
  const syncing = new Set(
    now.integrations.filter((each) => syncStateOf(each) === 'running').map(({ psaConnectionId }) => psaConnectionId),
  );
  const news = newsOf(now);
  return now.integrations.some(({ id, psaConnectionId }) => {
    const is = news.get(id);
    if (!is || syncing.has(psaConnectionId)) return false;
    const was = before.get(id);
    return is.data !== (was?.data ?? null) || is.counts.some((count, at) => count > (was?.counts[at] ?? 0));
  });
}

/** When somebody else signs in, nothing has been shown yet. */
export function forgetShown(): void {
  live = undefined;
  shown = undefined;
  shownApprovals = new Set();
}
