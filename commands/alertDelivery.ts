/** What becomes of an alert that has a delivery slot. */
import { stepsOf } from '../domain/process/steps.ts';
import type { Transaction } from '../db/client.ts';
import { endDelivery, lockAlert, recordPosted, storeClaimedRevision } from '../db/queries/alertDelivery.ts';
import type { AlertRow } from '../db/queries/alerts.ts';
import { finishSteps, startRound } from '../db/queries/process.ts';
import { audit, countersign, type Actor } from './actor.ts';

/**
 * The revision to deliver: the one under way, or the newest if it has not been delivered. Its row is locked, so that an
 * alert that is sent again meanwhile is seen here, or finds this one at rest.
 *
 * @returns the round, or undefined when there is nothing to deliver
 */
export async function claimRevision(tx: Transaction, id: string): Promise<string | undefined> {
  const row = await lockAlert(tx, id);
  if (row?.state !== 'delivering') return undefined;
  if (row.deliveringRevision !== null) return String(row.deliveringRevision);
  const round = String(row.revision);
  await storeClaimedRevision(tx, row);
  await startRound(tx, { kind: 'deliverAlert', id, round });
  return round;
}

/**
 * What the POST made is there.
 *
 * @param row as its caller claimed it
 * @param ticket of a created or found ticket; undefined for a note
 * @returns false when the claim is another's by now: nothing was recorded
 */
export async function recordPost(
  tx: Transaction,
  row: AlertRow,
  ticket?: { id: string; url?: string; existed: boolean },
): Promise<boolean> {
  if (!(await recordPosted(tx, row, ticket))) return false;
  await audit(tx, countersign(row), {
    action: ticket ? (ticket.existed ? 'alert.ticketFound' : 'alert.ticketCreated') : 'alert.noteAdded',
    subjectKind: 'alert',
    subjectId: row.id,
    after: { ticketId: ticket?.id ?? row.ticketId, reference: row.reference, revision: row.deliveringRevision },
  });
  return true;
}

/**
 * Takes an alert out of delivery: parked again, dead, or dismissed. What its round has not done is skipped.
 *
 * @returns false when it was not being delivered any more
 */
export async function leaveDelivery(
  tx: Transaction,
  actor: Actor,
  id: string,
  leaving: { state: 'parked' | 'dead' | 'dismissed'; reason: { code: string; detail: string } },
): Promise<boolean> {
  if (!(await endDelivery(tx, id, leaving))) return false;
  await finishSteps(tx, { kind: 'deliverAlert', ids: [id], steps: stepsOf.deliverAlert, state: 'skipped' });
  const { state, reason: after } = leaving;
  await audit(tx, actor, { action: `alert.${state}`, subjectKind: 'alert', subjectId: id, after });
  return true;
}
