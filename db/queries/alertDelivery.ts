/**
 * Rows of alerts that are being delivered: every claim and outcome is one statement, guarded by the state that it
 * changes (invariant 6).
 */
import { and, eq, sql, type Column } from 'drizzle-orm';
import type { AlertReason } from '../../domain/alerts.ts';
import { alertMoves } from '../../domain/transitions.ts';
import type { Queryable, Transaction } from '../client.ts';
import { inMilliseconds } from '../interval.ts';
import {
  accountMapping,
  alert,
  integration,
  organization,
  psaAccount,
  service,
  vendorAccount,
} from '../schema/index.ts';
import { isMappingOf, isPsaAccount, isVendorAccount } from './joins.ts';
import { referenceOf, type AlertRow } from './alerts.ts';
import { mayMove } from './mayMove.ts';

/** Reads an alert and locks its row until the transaction ends. */
export async function lockAlert(tx: Transaction, id: string): Promise<AlertRow | undefined> {
  const [row] = await tx.select().from(alert).where(eq(alert.id, id)).for('update');
  return row;
}

/** Records the alert's newest revision as the one that is being delivered. */
export async function storeClaimedRevision(tx: Queryable, row: AlertRow): Promise<void> {
  await tx.update(alert).set({ deliveringRevision: row.revision }).where(eq(alert.id, row.id));
}

/** The data from which a ticket's text and destination are made. */
export interface DeliveryContext {
  alert: AlertRow;
  integration: typeof integration.$inferSelect;
  organizationName: string;
  /** The account's name in the PSA; else its name at the vendor. */
  accountName: string;
  serviceName: string | null;
  /** The PSA account that the vendor account is mapped to now. */
  mappedTo: string | null;
  /** Milliseconds since the alert's POST was claimed, and since its ticket was last written; null = never. */
  claimedForMs: number | null;
  deliveredForMs: number | null;
}

/** Milliseconds since a column's time, by the database's clock. */
const msSince = (column: Column) => inMilliseconds(sql`now() - ${column}`);

export async function readDelivery(db: Queryable, id: string): Promise<DeliveryContext> {
  const [row] = await db
    .select({
      alert,
      integration,
      organizationName: organization.name,
      vendorAccountName: vendorAccount.name,
      psaAccountName: psaAccount.name,
      serviceName: service.name,
      mappedTo: accountMapping.psaAccountId,
      claimedForMs: msSince(alert.claimedAt),
      deliveredForMs: msSince(alert.deliveredAt),
    })
    .from(alert)
    .innerJoin(integration, eq(integration.id, alert.integrationId))
    .innerJoin(organization, eq(organization.id, alert.organizationId))
    .leftJoin(vendorAccount, isVendorAccount(alert.integrationId, alert.vendorAccountId))
    .leftJoin(accountMapping, isMappingOf(alert.integrationId, alert.vendorAccountId))
    .leftJoin(psaAccount, isPsaAccount(integration.psaConnectionId, accountMapping.psaAccountId))
    .leftJoin(service, and(eq(service.integrationId, alert.integrationId), eq(service.id, alert.serviceId)))
    .where(eq(alert.id, id));
  if (!row) throw new Error(`There is no alert ${id}.`);
  const { vendorAccountName, psaAccountName, ...rest } = row;
  return { ...rest, accountName: psaAccountName ?? vendorAccountName ?? row.alert.vendorAccountId };
}

export async function storePsaAccount(tx: Queryable, id: string, psaAccountId: string): Promise<void> {
  await tx.update(alert).set({ psaAccountId }).where(eq(alert.id, id));
}

/** Stores what there is to say of an alert, beside its state. */
export async function storeReason(tx: Queryable, id: string, reason: NonNullable<AlertRow['reason']>): Promise<void> {
  await tx.update(alert).set({ reason }).where(eq(alert.id, id));
}

/**
 * Begins a new ticket after somebody closed the last one; it names the ticket it follows.
 *
 * @returns undefined when the new ticket was already begun
 */
export async function beginNextTicket(tx: Queryable, row: AlertRow): Promise<AlertRow | undefined> {
  const occurrence = row.occurrence + 1;
  const [begun] = await tx
    .update(alert)
    .set({
      occurrence,
      reference: referenceOf(row.id, occurrence),
      previousTicketId: row.ticketId,
      ticketId: null,
      ticketUrl: null,
      admittedAt: sql`now()`,
    })
    .where(and(eq(alert.id, row.id), eq(alert.occurrence, row.occurrence)))
    .returning();
  return begun;
}

/**
 * The alert's row still has the claim it had when `row` was claimed, or when `row` was read if it was unclaimed then.
 */
const ofClaim = (row: AlertRow) =>
  and(
    eq(alert.id, row.id),
    eq(alert.reference, row.reference),
    sql`${alert.deliveringRevision} = ${row.deliveringRevision}::int`,
    sql`${alert.claimId} is not distinct from ${row.claimId}::uuid`,
  );

/**
 * Claims the one POST of this round: only the caller that gets the row back may send it. The claim succeeds only if the
 * row still has exactly the claim that the caller saw, and the POST's outcome is recorded under the new claim's own id:
 * a late caller, from a round that is long over, changes nothing.
 */
export async function claimPost(db: Queryable, row: AlertRow, post: 'ticket' | 'note'): Promise<AlertRow | undefined> {
  const [claimed] = await db
    .update(alert)
    .set({
      post,
      postState: 'writing',
      claimId: sql`gen_random_uuid()`,
      claims: row.claims + 1,
      claimedAt: sql`now()`,
      attempts: 0,
    })
    .where(and(ofClaim(row), eq(alert.state, 'delivering')))
    .returning();
  return claimed;
}

const unclaimed = { post: null, postState: null, claimId: null, claims: 0, claimedAt: null, attempts: 0 };

/** Undoes a claim whose caller knows that nothing was sent: the row is set back to its state `before` the claim. */
export async function releasePost(db: Queryable, before: AlertRow, claimed: AlertRow): Promise<void> {
  await db
    .update(alert)
    .set({
      post: before.post,
      postState: before.post === null ? null : 'uncertain',
      claimId: before.claimId,
      claims: before.claims,
      claimedAt: before.claimedAt,
      attempts: before.attempts,
    })
    .where(ofClaim(claimed));
}

export async function notePostUncertain(db: Queryable, claimed: AlertRow): Promise<void> {
  await db.update(alert).set({ postState: 'uncertain' }).where(ofClaim(claimed));
}

export async function noteAttempt(db: Queryable, row: AlertRow): Promise<void> {
  await db
    .update(alert)
    .set({ attempts: row.attempts + 1 })
    .where(and(ofClaim(row), eq(alert.attempts, row.attempts)));
}

/**
 * Records that the PSA holds the ticket or note that the POST made.
 *
 * @param ticket the created or found ticket; undefined for a note
 * @returns false when another caller holds the claim by now
 */
export async function recordPosted(
  tx: Queryable,
  row: AlertRow,
  ticket?: { id: string; url?: string },
): Promise<boolean> {
  const recorded = await tx
    .update(alert)
    .set({ ...unclaimed, ...(ticket ? { ticketId: ticket.id, ticketUrl: ticket.url ?? null } : {}) })
    .where(ofClaim(row))
    .returning({ id: alert.id });
  return recorded.length > 0;
}

/**
 * Ends the round: the alert is delivered, unless it was sent again meanwhile. Called with the integration locked
 * (`lockIntegration`), because the alert's slot becomes free.
 */
export async function recordDelivered(tx: Transaction, id: string): Promise<void> {
  await tx
    .update(alert)
    .set({
      deliveredRevision: sql`${alert.deliveringRevision}`,
      deliveredAt: sql`now()`,
      deliveringRevision: null,
      state: sql`case when ${alert.revision} > ${alert.deliveringRevision} then ${alert.state} else ${alertMoves.delivered.to} end`,
    })
    .where(
      and(eq(alert.id, id), mayMove(alert.state, alertMoves.delivered), sql`${alert.deliveringRevision} is not null`),
    );
}

/** Takes an alert out of delivery. @returns its organization's id; undefined when it was no longer being delivered */
export async function endDelivery(
  tx: Queryable,
  id: string,
  leaving: { state: 'parked' | 'dead' | 'dismissed'; reason: AlertReason },
): Promise<string | undefined> {
  const [left] = await tx
    .update(alert)
    .set({
      ...leaving,
      deliveringRevision: null,
      ...unclaimed,
      // The steps of this round are over, so that the alert goes on in a round of its own when it is mapped again.
      ...(leaving.state === 'parked' ? { revision: sql`${alert.revision} + 1` } : {}),
    })
    .where(and(eq(alert.id, id), mayMove(alert.state, alertMoves[leaving.state])))
    .returning({ organizationId: alert.organizationId });
  return left?.organizationId;
}
