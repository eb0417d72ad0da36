/** What makes the data of a page old. */
import type { Schema } from '../../api/types.ts';

/**
 * By integration: its data, which is newer when it differs, and how many things wait, of which more is news and fewer is what
 * the person has just done. null = it has no data yet, and whoever connects it sees every step.
 */
export type News = ReadonlyMap<string, OfOne>;

interface OfOne {
  data: string | null;
  counts: readonly number[];
}

/** Codes of what is counted, too: what a person has just done about it is no news. */
const counted = new Set(['held', 'refused']);

export function newsOf({ integrations, health }: Schema<'Live'>): News {
  return new Map(
    integrations.map(({ id, disconnectedAt }): [string, OfOne] => {
      const of = health.find(({ integrationId }) => integrationId === id);
      if (!of || of.dataAsOf === null) return [id, { data: null, counts: [] }];
      const {
        dataAsOf,
        psaAsOf,
        heldRuns,
        heldRefreshes,
        linesUncertain,
        customersWaiting,
        alertsParked,
        alertsDead,
        refusedPosts,
        waits,
      } = of;
      const blocked = waits
        .filter(({ code }) => code !== undefined && !counted.has(code))
        .map(({ workflowId, code }) => [workflowId, code]);
      return [
        id,
        {
          data: JSON.stringify([dataAsOf, psaAsOf, disconnectedAt, blocked]),
          counts: [heldRuns, heldRefreshes, linesUncertain, customersWaiting, alertsParked, alertsDead, refusedPosts],
        },
      ];
    }),
  );
}

/**
 * The newest approvals with their states: each that is given, and each that is over, changes what the pages should show.
 *
 * @param except the person who sees by themselves what became of their own; absent = all
 */
export const approvalsOf = ({ approvals }: Schema<'Live'>, except?: string): string[] =>
  approvals.filter(({ by }) => by !== `person:${except}`).map(({ id, state }) => `${id} ${state}`);

/** What the pages have shown, once fewer things wait: then one more is news again. */
export function seenOf(shown: News, now: News): News {
  return new Map(
    [...shown].map(([id, { data, counts }]) => {
      const after = now.get(id)?.counts ?? [];
      return [id, { data, counts: counts.map((count, at) => Math.min(count, after[at] ?? count)) }];
    }),
  );
}
