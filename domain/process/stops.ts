/**
 * Stops: what waits for a person although every step of its round is over, such as a held run. Its workflow stays open and
 * blocked, so that nobody takes it for completed. A stop holds our own ids, counts, codes and a status only (invariant 7).
 */
import { triedAgainByWake, type RefusedForAll } from '../alerts.ts';
import { describeLoss, type RefreshGuard } from '../refreshGuard.ts';

/** A run whose numbers moved too far. */
export interface HeldRun {
  code: 'held';
  /** The run's id. */
  id: string;
  /** The sum of all quantities, and the number of quantities above zero, before the run and with it. */
  figures: { totalBefore: number; totalAfter: number; pairsBefore: number; pairsAfter: number } | null;
}

/** A reading of a PSA that lost too many rows. */
export interface HeldRefresh {
  code: 'held';
  of: 'psa';
  /** The refresh's id. */
  id: string;
  psaConnectionId: string;
  guard: RefreshGuard;
}

/** A dead alert. */
export interface RefusedAlert {
  code: 'refused';
  /** The alert's id. */
  id: string;
  /** The code of its reason (`AlertReason`). */
  reason: string;
  status: number | null;
  /** What the PSA refuses for all alerts of the integration, so that none is delivered; null = it refuses this one. */
  forAll: RefusedForAll | null;
}

export type Stop = HeldRun | HeldRefresh | RefusedAlert;

/**
 * Says what waits, and what to do about it: the one statement that the Temporal UI, the API, health and the doctor show.
 *
 * @returns `how` names the requests, and the page of the console (with `consoleAt`, its whole address), for an operator
 */
export function describeStop(stop: Stop, consoleAt?: string): { title: string; what: string; how: string } {
  const page = (path: string) => `Both are in the console at ${consoleAt?.replace(/\/$/, '') ?? ''}${path}.`;
  const { id } = stop;
  if (stop.code === 'refused') {
    const signal = triedAgainByWake.has(stop.reason) ? ' or the Signal `wake`' : '';
    const how = `Retry: POST /v1/alerts/${id}/retry${signal}. Dismiss: POST /v1/alerts/${id}/dismiss.`;
    return { ...refusalWords(stop), how: `${how} ${page(`/alerts?alert=${id}`)}` };
  }
  if ('of' in stop) {
    const at = `/v1/psa-connections/${stop.psaConnectionId}/refreshes/${id}`;
    return {
      title: 'A reading of the PSA is held',
      what: describeLoss(stop.guard),
      how: `Release: POST ${at}/release. Discard: POST ${at}/discard. ${page(`/psa-connections/${stop.psaConnectionId}`)}`,
    };
  }
  const { figures } = stop;
  const moved = figures
    ? ` (total ${figures.totalBefore} → ${figures.totalAfter}, above zero ${figures.pairsBefore} → ${figures.pairsAfter})`
    : '';
  return {
    title: 'A run is held',
    what: `Its numbers moved too far${moved}, so nothing of it is shown. Release it or discard it; syncs go on meanwhile, and a newer complete run takes its place.`,
    how: `Release: POST /v1/syncs/${id}/release. Discard: POST /v1/syncs/${id}/discard. ${page(`/runs/${id}`)}`,
  };
}

function refusalWords({ reason, status, forAll }: RefusedAlert): { title: string; what: string } {
  const answer = status === null ? '' : ` (${status})`;
  if (forAll === 'field')
    return {
      title: `The PSA refuses a field of all tickets${answer}`,
      what: 'No alert of this integration is delivered meanwhile. The alert names the field, which is a setting of the PSA connection, and its value, which the PSA no longer offers. Choose another there; or make it usable in the PSA again, then retry this alert. The others follow by themselves.',
    };
  if (forAll === 'board')
    return {
      title: `The PSA refuses the board${answer}`,
      what: 'No alert of this integration is delivered meanwhile. Make the board and its status, type and priorities usable in the PSA again, then retry this alert; or choose another board. The others follow by themselves.',
    };
  if (triedAgainByWake.has(reason))
    return {
      title: `The PSA refused the ticket${answer}`,
      what: 'The alert says why, in the words of the PSA. Correct that, then retry the alert; or dismiss it.',
    };
  return {
    title: 'It is not certain whether there is a ticket',
    what: `The alert says what to look at in the PSA (${reason}). Then retry it, or dismiss it.`,
  };
}
