/** Alerts on their way to a delivery slot: kept, given one, gathered into a storm, tried again, dismissed. */
import { randomUUID } from 'node:crypto';
import { alertSettingsOf } from '../domain/alerts.ts';
import { deliveryProcess, type Wakeable } from '../domain/process/ids.ts';
import { alertMoves } from '../domain/transitions.ts';
import type { Database, Transaction } from '../db/client.ts';
import {
  canBeAdmitted,
  findOpenStorm,
  gatherInto,
  keepAlert,
  listBeyondStorm,
  moveAlert,
  readAlert,
  takeSlots,
  unparkMapped,
  type AlertRow,
  type PostedAlert,
} from '../db/queries/alerts.ts';
import { findVendorAccount, lockIntegration, type IntegrationRow } from '../db/queries/integration.ts';
import { commitFact, createProcess } from '../db/queries/process.ts';
import { audit, type Actor } from './actor.ts';
import { leaveDelivery } from './alertDelivery.ts';
import { Refusal } from './refusal.ts';

/** Whose alerts, and how many of them are delivered at once. */
export interface Slots {
  integrationId: string;
  slots: number;
}

/**
 * Makes a change that alerts of an integration may have waited for, and gives them the slots that are free then. The
 * integration is locked first, because the change may write rows that refer to it: two that do would wait for each other.
 * An alert that is being kept meanwhile is seen, or sees the change.
 *
 * @param change gets the integration as it is locked, and does not lock it again
 * @returns `toWake` the deliveries that begin; whom the change concerns besides is for the caller
 */
export async function changeAndAdmit<T>(
  tx: Transaction,
  { integrationId, slots }: Slots,
  change: (integration: IntegrationRow) => Promise<T>,
): Promise<{ changed: T; toWake: Wakeable[] }> {
  const row = await lockIntegration(tx, integrationId);
  if (!row) throw new Error(`There is no integration ${integrationId}.`);
  return { changed: await change(row), toWake: await admitAlerts(tx, row, slots) };
}

/**
 * Gives alerts their slots: parked ones whose account is mapped now, and whose integration has a board, come to wait;
 * waiting ones get the slots that are free, the oldest first; past the storm's limit they gather in one.
 *
 * @param row the integration as it is now, locked
 * @param slots deliveries in flight of one integration at most
 * @returns whom to wake after the commit
 */
export async function admitAlerts(tx: Transaction, row: IntegrationRow, slots: number): Promise<Wakeable[]> {
  if (row.disconnectedAt || !row.alerts.board) return [];
  await unparkMapped(tx, row.id);
  const admitted: Wakeable[] = [];
  for (;;) {
    const gathered = await gather(tx, row);
    for (const { id, vendorAccountId } of await takeSlots(tx, row.id, slots)) {
      const ref = deliveryProcess({ id, organizationId: row.organizationId, integrationId: row.id });
      await createProcess(tx, row.organizationId, { ...ref, about: `vendor account ${vendorAccountId}` });
      await commitFact(tx, ref);
      admitted.push(ref);
    }
    if (gathered === 0) return admitted;
  }
}

/**
 * Past `most` alerts for one PSA account within the window, the waiting ones of that account are told by one ticket.
 *
 * @returns how many were gathered
 */
async function gather(tx: Transaction, row: IntegrationRow): Promise<number> {
  const { storm } = alertSettingsOf(row.alerts);
  if (storm.most === 0) return 0;
  const beyond = await listBeyondStorm(tx, row.id, storm);
  for (const psaAccountId of new Set(beyond.map((each) => each.psaAccountId))) {
    const alerts = beyond.filter((each) => each.psaAccountId === psaAccountId);
    const open = await findOpenStorm(tx, row.id, psaAccountId, storm.windowMinutes);
    const kept = await keepAlert(tx, row, {
      alertId: open?.alertId ?? `storm:${randomUUID()}`,
      source: 'storm',
      // Several vendor accounts may be one PSA account: their storm stays the one that it is.
      vendorAccountId: open?.vendorAccountId ?? alerts[0]?.vendorAccountId ?? '',
      title: 'Many alerts',
      description: '',
      priority: 1,
      status: 1,
    });
    await gatherInto(
      tx,
      { id: kept.id, psaAccountId },
      alerts.map(({ id }) => id),
    );
  }
  return beyond.length;
}

/**
 * Keeps an alert and sets it going if it can go: what it waits for otherwise sets it going later.
 *
 * @param db not a transaction: the alert is committed before it is looked for a slot, so that most alerts lock nothing
 * @returns the row's id, and whom to wake; the alert is safe when this has returned
 */
export async function takeAlert(
  db: Database,
  integration: Pick<IntegrationRow, 'id' | 'organizationId'>,
  { slots, ...posted }: PostedAlert & { slots: number },
): Promise<{ id: string; toWake: Wakeable[] }> {
  const { id, state } = await keepAlert(db, integration, posted);
  const open = state === 'parked' || state === 'waiting';
  if (!open || !(await canBeAdmitted(db, id, slots))) return { id, toWake: [] };
  const of = { integrationId: integration.id, slots };
  return { id, toWake: (await db.transaction((tx) => changeAndAdmit(tx, of, async () => undefined))).toWake };
}

/**
 * A person tries the way from an alert to a ticket. Part of `changeAndAdmit`, as those that follow.
 *
 * @throws Refusal when the integration has no such account
 */
export async function sendTestAlert(
  tx: Transaction,
  actor: Actor,
  row: IntegrationRow,
  { accountId, priority }: { accountId: string; priority: number },
): Promise<{ id: string; toWake: Wakeable[] }> {
  if (!(await findVendorAccount(tx, row.id, accountId)))
    throw new Refusal('impossible', 'unknown-account', `The integration has no account "${accountId}".`);
  const { id } = await keepAlert(tx, row, {
    alertId: `test:${randomUUID()}`,
    source: 'test',
    vendorAccountId: accountId,
    title: 'Test alert from Countersign',
    description: 'Somebody tries the way from an alert to a ticket.',
    priority,
    status: 1,
  });
  const after = { alertId: id, accountId };
  await audit(tx, actor, { action: 'alert.test', subjectKind: 'integration', subjectId: row.id, after });
  return { id, toWake: [] };
}

/**
 * A dead alert is delivered once more.
 *
 * @throws Refusal when it is not dead
 */
export async function retryAlert(tx: Transaction, actor: Actor, row: AlertRow): Promise<{ toWake: Wakeable[] }> {
  if (!(await moveAlert(tx, row.id, alertMoves.retry, { reason: null, again: true })))
    throw new Refusal(
      'conflict',
      'not-dead',
      `The alert is ${row.state}; only a dead or a blocked one is tried again.`,
    );
  await audit(tx, actor, { action: 'alert.retry', subjectKind: 'alert', subjectId: row.id, before: row.reason });
  return { toWake: [] };
}

/**
 * No ticket is wanted.
 *
 * @param detail why, in the person's words
 * @throws Refusal when a ticket is there, or may be
 */
export async function dismissAlert(
  tx: Transaction,
  actor: Actor,
  { id, detail }: { id: string; detail: string },
): Promise<{ toWake: Wakeable[] }> {
  const row = await readAlert(tx, id);
  // A ticket that may be there must be found out about first: it would be nobody's.
  if (row.post !== null)
    throw new Refusal(
      'conflict',
      'ticket-under-way',
      'A ticket is being written. Dismiss the alert when it is known whether it is there.',
    );
  const dismissed = { state: 'dismissed' as const, reason: { code: 'dismissed', detail } };
  if (await leaveDelivery(tx, actor, id, dismissed)) return { toWake: [deliveryProcess(row)] };
  if (!(await moveAlert(tx, id, alertMoves.dismiss, dismissed)))
    throw new Refusal('conflict', 'told-already', `The alert is ${row.state}: somebody has been told of it.`);
  const moved = { before: { state: row.state }, after: dismissed.reason };
  await audit(tx, actor, { action: 'alert.dismissed', subjectKind: 'alert', subjectId: id, ...moved });
  return { toWake: [] };
}
