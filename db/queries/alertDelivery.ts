/** How one alert becomes one ticket: every claim and outcome is one statement, guarded by what it changes (invariant 6). */
import { and, eq, inArray, sql } from 'drizzle-orm';
import type { Database, Queryable, Transaction } from '../client.ts';
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
import { byCountersign, recordAudit } from './audit.ts';
import { readAlert, referenceOf, type AlertRow } from './alerts.ts';
import { finishStep, ownerOf, startRound, type StepKey } from './process.ts';
import { stepsOf } from '../../domain/process/steps.ts';

/**
 * The revision to tell: the one under way, or the newest if it has not been told. Its row is locked, so that an alert that
 * is sent again meanwhile is seen here, or finds this one at rest.
 *
 * @returns the round, or undefined when there is nothing to tell
 */
export async function claimRevision(db: Database, id: string): Promise<string | undefined> {
  return db.transaction(async (tx) => {
    const [row] = await tx.select().from(alert).where(eq(alert.id, id)).for('update');
    if (row?.state !== 'delivering') return undefined;
    if (row.deliveringRevision !== null) return String(row.deliveringRevision);
    const round = String(row.revision);
    await tx.update(alert).set({ deliveringRevision: row.revision }).where(eq(alert.id, id));
    await startRound(tx, { kind: 'deliverAlert', id, round });
    return round;
  });
}

/** What a ticket says, and where it goes. */
export interface DeliveryContext {
  alert: AlertRow;
  integration: typeof integration.$inferSelect;
  organizationName: string;
  /** As the PSA calls it, else as the vendor does. */
  accountName: string;
  serviceName: string | null;
  /** Where the account is mapped to now. */
  mappedTo: string | null;
}

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
    })
    .from(alert)
    .innerJoin(integration, eq(integration.id, alert.integrationId))
    .innerJoin(organization, eq(organization.id, alert.organizationId))
    .leftJoin(
      vendorAccount,
      and(eq(vendorAccount.integrationId, alert.integrationId), eq(vendorAccount.id, alert.vendorAccountId)),
    )
    .leftJoin(
      accountMapping,
      and(
        eq(accountMapping.integrationId, alert.integrationId),
        eq(accountMapping.vendorAccountId, alert.vendorAccountId),
      ),
    )
    .leftJoin(
      psaAccount,
      and(eq(psaAccount.psaConnectionId, integration.psaConnectionId), eq(psaAccount.id, accountMapping.psaAccountId)),
    )
    .leftJoin(service, and(eq(service.integrationId, alert.integrationId), eq(service.id, alert.serviceId)))
    .where(eq(alert.id, id));
  if (!row) throw new Error(`There is no alert ${id}.`);
  const { vendorAccountName, psaAccountName, ...rest } = row;
  return { ...rest, accountName: psaAccountName ?? vendorAccountName ?? row.alert.vendorAccountId };
}

export async function storePsaAccount(tx: Queryable, id: string, psaAccountId: string): Promise<void> {
  await tx.update(alert).set({ psaAccountId }).where(eq(alert.id, id));
}

/** Somebody closed the ticket: the next one is another, and says which one it follows. */
export async function beginNextTicket(tx: Queryable, row: AlertRow): Promise<void> {
  const occurrence = row.occurrence + 1;
  await tx
    .update(alert)
    .set({
      occurrence,
      reference: referenceOf(row.id, occurrence),
      previousTicketId: row.ticketId,
      ticketId: null,
      ticketUrl: null,
      admittedAt: sql`now()`,
    })
    .where(and(eq(alert.id, row.id), eq(alert.occurrence, row.occurrence)));
}

/** As it was when it was claimed; or when it was read, if it had not been claimed then. */
const ofClaim = (row: AlertRow) =>
  and(
    eq(alert.id, row.id),
    eq(alert.reference, row.reference),
    sql`${alert.deliveringRevision} = ${row.deliveringRevision}::int`,
    sql`${alert.claimId} is not distinct from ${row.claimId}::uuid`,
  );

/**
 * Claims the one POST of this round: only the caller that gets the row back may send it. It moves on only from exactly
 * the claim that the caller saw, and whatever becomes of it is recorded under its own id: a caller that comes late, from a
 * round that is long over, changes nothing.
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

/** The claimer knows that nothing was sent: the row is again as it was `before` the claim. */
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

/** Milliseconds since the POST was claimed, by the database's clock. */
export async function claimedForMs(db: Queryable, id: string): Promise<number> {
  const [row] = await db
    .select({ ms: inMilliseconds(sql`now() - ${alert.claimedAt}`) })
    .from(alert)
    .where(eq(alert.id, id));
  return row?.ms ?? 0;
}

export async function noteAttempt(db: Queryable, row: AlertRow): Promise<void> {
  await db
    .update(alert)
    .set({ attempts: row.attempts + 1 })
    .where(and(ofClaim(row), eq(alert.attempts, row.attempts)));
}

/** What the POST made is there. @param ticket of a created or found ticket; undefined for a note */
export async function recordPost(
  db: Database,
  row: AlertRow,
  ticket?: { id: string; url?: string; existed: boolean },
): Promise<void> {
  await db.transaction(async (tx) => {
    const recorded = await tx
      .update(alert)
      .set({
        ...unclaimed,
        ...(ticket ? { ticketId: ticket.id, ticketUrl: ticket.url ?? null } : {}),
      })
      .where(ofClaim(row))
      .returning({ id: alert.id });
    if (recorded.length === 0) return;
    await recordAudit(tx, row.organizationId, {
      actor: byCountersign,
      action: ticket ? (ticket.existed ? 'alert.ticketFound' : 'alert.ticketCreated') : 'alert.noteAdded',
      subjectKind: 'alert',
      subjectId: row.id,
      after: { ticketId: ticket?.id ?? row.ticketId, reference: row.reference, revision: row.deliveringRevision },
    });
  });
}

/**
 * The round is over: told, and at rest unless it was sent again meanwhile. Called with the integration locked
 * (`lockIntegration`): its place is free then.
 */
export async function recordDelivered(tx: Transaction, id: string): Promise<void> {
  await tx
    .update(alert)
    .set({
      deliveredRevision: sql`${alert.deliveringRevision}`,
      deliveredAt: sql`now()`,
      deliveringRevision: null,
      state: sql`case when ${alert.revision} > ${alert.deliveringRevision} then 'delivering' else 'delivered' end`,
    })
    .where(and(eq(alert.id, id), eq(alert.state, 'delivering'), sql`${alert.deliveringRevision} is not null`));
}

/**
 * Takes an alert out of delivery: parked again, dead, or dismissed. What its round has not done is skipped.
 *
 * @returns false when it was not being delivered any more
 */
export async function leaveDelivery(
  tx: Transaction,
  id: string,
  leaving: { state: 'parked' | 'dead' | 'dismissed'; reason: { code: string; detail: string } },
  actor = byCountersign,
): Promise<boolean> {
  const left = await tx
    .update(alert)
    .set({ ...leaving, deliveringRevision: null, ...unclaimed })
    .where(and(eq(alert.id, id), eq(alert.state, 'delivering')))
    .returning({ id: alert.id });
  if (left.length === 0) return false;
  await skipRound(tx, id);
  const row = await readAlert(tx, id);
  await recordAudit(tx, row.organizationId, {
    actor,
    action: `alert.${leaving.state}`,
    subjectKind: 'alert',
    subjectId: id,
    after: leaving.reason,
  });
  return true;
}

/** Whatever its round has not done yet will not be done. */
export async function skipRound(tx: Transaction, id: string): Promise<void> {
  const ref = { kind: 'deliverAlert', id } as const;
  const owner = await ownerOf(tx, ref);
  if (!owner) return;
  for (const step of stepsOf.deliverAlert)
    await finishStep(tx, { ...ref, round: owner.round, step } satisfies StepKey, 'skipped');
}

/** Milliseconds since an alert's ticket was told of last; undefined = never. */
export async function deliveredForMs(db: Queryable, id: string): Promise<number | undefined> {
  const [row] = await db
    .select({ ms: inMilliseconds(sql`now() - ${alert.deliveredAt}`) })
    .from(alert)
    .where(and(eq(alert.id, id), inArray(alert.state, ['delivering'])));
  return row?.ms ?? undefined;
}
