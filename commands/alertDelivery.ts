/** Claims, records and ends the delivery of an alert that has a slot. */
import type { AlertReason } from '../domain/alerts.ts';
import { stepsOf } from '../domain/process/steps.ts';
import type { Transaction } from '../db/client.ts';
import { endDelivery, lockAlert, recordPosted, storeClaimedRevision } from '../db/queries/alertDelivery.ts';
import type { AlertRow } from '../db/queries/alerts.ts';
import { finishSteps, startRound } from '../db/queries/process.ts';
import { audit, countersign, type Actor } from './actor.ts';

/**
 * Returns the revision to deliver: the one under way, or the newest if it has not been delivered. The alert's row is
 * locked: an alert that is sent again meanwhile is either seen here, or finds the delivery at rest.
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
 * Records that the ticket or note of the POST exists.
 *
 * @param row the alert's row as the caller claimed it
 * @param ticket the created or found ticket; undefined for a note
 * @returns false when another attempt holds the claim by now: nothing was recorded
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
 * Takes an alert out of delivery: it is parked again, dead, or dismissed. The remaining steps of its round are skipped.
 *
 * @returns false when the alert was no longer being delivered
 */
export async function leaveDelivery(
  tx: Transaction,
  actor: Actor,
  id: string,
  leaving: { state: 'parked' | 'dead' | 'dismissed'; reason: AlertReason },
): Promise<boolean> {
  if (!(await endDelivery(tx, id, leaving))) return false;
  await finishSteps(tx, { kind: 'deliverAlert', ids: [id], steps: stepsOf.deliverAlert, state: 'skipped' });
  const { state, reason: after } = leaving;
  await audit(tx, actor, { action: `alert.${state}`, subjectKind: 'alert', subjectId: id, after });
  return true;
}
