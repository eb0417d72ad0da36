/**
 * Moves alerts to a delivery slot: keeps them, gives them a slot, gathers them into a storm, retries them, dismisses
 * them.
 */
import { randomUUID } from 'node:crypto';
import { alertSettingsOf, triedAgainByWake } from '../domain/alerts.ts';
import { deliveryProcess, type Wakeable } from '../domain/process/ids.ts';
import { alertMoves } from '../domain/transitions.ts';
import { transactAgain, type Database, type Transaction } from '../db/client.ts';
import {
  canBeAdmitted,
  findOpenStorm,
  gatherInto,
  keepAlert,
  listBeyondStorm,
  moveAlert,
  readAlert,
  readRefusedForAll,
  takeSlots,
  unparkMapped,
  type AlertRow,
  type PostedAlert,
} from '../db/queries/alerts.ts';
import { findVendorAccount, lockIntegration, type IntegrationRow } from '../db/queries/integration.ts';
import { commitFact, createProcess } from '../db/queries/process.ts';
import { audit, type Actor, type Command } from './actor.ts';
import { leaveDelivery } from './alertDelivery.ts';
import { Refusal } from './refusal.ts';

/** An integration whose alerts are meant, and its number of slots. */
export interface Slots {
  integrationId: string;
  slots: number;
}

/**
 * Makes a change for which alerts of an integration may have waited, and then gives them the free slots. The
 * integration is locked first, because the change may write rows that refer to it: without that, two such changes would
 * wait for each other. An alert that is being kept meanwhile is either seen here, or sees the change.
 *
 * @param change gets the locked integration, and does not lock it again
 * @returns `toWake` the deliveries that begin; the caller wakes any other processes that the change concerns
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
 * Gives alerts their slots. Parked alerts start to wait when their account is mapped now and their integration has a
 * board; waiting alerts get the free slots, the oldest first; alerts beyond the storm's limit are gathered in one.
 *
 * @param row the integration as it is now, locked
 * @param slots the most deliveries of one integration that may be under way at once
 * @returns the processes to wake after the commit
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
 * When a PSA account has more than `most` alerts within the window, gathers the waiting alerts of that account in one
 * ticket.
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
      // Several vendor accounts may map to one PSA account: an open storm keeps the vendor account that it has.
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
 * Keeps an alert, and starts its delivery if nothing is missing; otherwise the change for which it waits starts the
 * delivery later.
 *
 * @param db not a transaction: the alert is committed before a slot is looked for, so that most alerts lock nothing
 * @returns the row's id, and the processes to wake; the alert is safe when this function has returned
 */
export async function takeAlert(
  db: Database,
  integration: Pick<IntegrationRow, 'id' | 'organizationId'>,
  { slots, ...posted }: PostedAlert & { slots: number },
): Promise<{ id: string; toWake: Wakeable[] }> {
  const { id, state } = await keepAlert(db, integration, posted);
  const open = state === 'parked' || state === 'waiting';
  if (!open || !(await canBeAdmitted(db, id, slots))) return { id, toWake: [] };
  // Asked by itself, because in a burst, in which every alert costs, there is seldom a free slot.
  if ((await readRefusedForAll(db, integration.id)) !== null) return { id, toWake: [] };
  const of = { integrationId: integration.id, slots };
  return { id, toWake: (await transactAgain(db, (tx) => changeAndAdmit(tx, of, async () => undefined))).toWake };
}

/**
 * Sends a test alert, with which a person tries the way from an alert to a ticket. Like the functions below, it runs
 * inside `changeAndAdmit`.
 *
 * @throws Refusal when the integration has no such account
 */
export const sendTestAlert: Command<
  { integration: IntegrationRow; accountId: string; priority: number },
  { id: string }
> = async (tx, actor, { integration: row, accountId, priority }) => {
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
};

/**
 * Delivers a dead alert once more.
 *
 * @throws Refusal when the alert is not dead
 */
export const retryAlert: Command<{ alert: AlertRow }> = async (tx, actor, { alert: row }) => {
  if (!(await moveAlert(tx, row.id, alertMoves.retry, { reason: null, again: true })))
    throw new Refusal(
      'conflict',
      'not-dead',
      `The alert is ${row.state}; only a dead or a blocked one is tried again.`,
    );
  // Where it gets no slot now, nothing else tells its workflow, which waits for a person, that one has decided.
  await commitFact(tx, deliveryProcess(row));
  await audit(tx, actor, { action: 'alert.retry', subjectKind: 'alert', subjectId: row.id, before: row.reason });
  return { toWake: [] };
};

/** Delivers a dead alert once more because its workflow was woken, where another try makes no second ticket. */
export async function retryWoken(tx: Transaction, actor: Actor, row: AlertRow): Promise<void> {
  if (row.state === 'dead' && triedAgainByWake.has(row.reason?.code ?? '')) await retryAlert(tx, actor, { alert: row });
}

/**
 * Dismisses an alert for which no ticket is wanted.
 *
 * @param input.detail why, in the person's words
 * @throws Refusal when the alert has a ticket, or may have one
 */
export const dismissAlert: Command<{ id: string; detail: string }> = async (tx, actor, { id, detail }) => {
  const row = await readAlert(tx, id);
  // A POST is open, so a ticket may exist. That has to be settled first: otherwise no alert would own the ticket.
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
  if (row.state !== 'dead') return { toWake: [] };
  await commitFact(tx, deliveryProcess(row));
  return { toWake: [deliveryProcess(row)] };
};
