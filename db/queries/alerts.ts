/** Stores alerts, gives them slots, gathers and reads them. commands/alertAdmission.ts starts their deliveries. */
import { deliveryProcess, type Wakeable } from '../../domain/process/ids.ts';
import { and, asc, desc, eq, gt, inArray, lt, notInArray, or, sql, type SQLWrapper } from 'drizzle-orm';
import { randomUUID } from 'node:crypto';
import type { AlertReason, AlertSettings, RefusedForAll } from '../../domain/alerts.ts';
import type { Database, Queryable, Transaction } from '../client.ts';
import { alertMoves, type AlertState, type Move } from '../../domain/transitions.ts';
import { milliseconds } from '../interval.ts';
import { accountMapping, alert, integration, psaAccount, vendorAccount, type AlertSource } from '../schema/index.ts';
import type { IntegrationRow } from './integration.ts';
import { isMappingOf, isPsaAccount, isVendorAccount } from './joins.ts';
import { vendorMarks, type VendorMarks } from './lookalikes.ts';
import { mayMove } from './mayMove.ts';
import { commitFact } from './process.ts';
import { containing } from './psa.ts';

export type AlertRow = typeof alert.$inferSelect;

export interface PostedAlert {
  /** The sender's own id: the same id sent again for the same account is the same alert. */
  alertId: string;
  source: AlertSource;
  vendorAccountId: string;
  /** The account's id as it was posted in the address, if that differs from the account's actual id. */
  asPosted?: string | undefined;
  serviceId?: string | undefined;
  title: string;
  description: string;
  priority: number;
  status: number;
  dueAt?: Date | undefined;
}

export const referenceOf = (id: string, occurrence: number) => `CS-${id}-${occurrence}`;

/** An alert sent again unchanged within this time of its delivery is counted and not delivered again; milliseconds. */
const sameAgainMs = 60_000;

/**
 * Stores an alert: as a new row, or as a new revision of the row of the same alert. It is one statement, so that five
 * posts at once make one row. The alert has no slot yet: `admitAlerts` gives it one, if `canBeAdmitted`. Refused posts
 * of alerts of the same account are deleted, because one is accepted now.
 *
 * @returns the row's id and state; an alert counts as accepted once this has returned
 */
export async function keepAlert(
  db: Queryable,
  { id: integrationId, organizationId }: Pick<IntegrationRow, 'id' | 'organizationId'>,
  posted: PostedAlert,
): Promise<{ id: string; state: AlertState }> {
  const id = randomUUID();
  const words = sql`title, description, priority, status, due_at, service_id`;
  const { rows } = await db.execute<{ id: string; state: AlertState; was: AlertState | null }>(sql`
    with over as (
      delete from refused_post
       where integration_id = ${integrationId} and kind = 'alert' and service_id = ''
         and vendor_account_id in (${posted.vendorAccountId}, ${posted.asPosted ?? posted.vendorAccountId}))
    insert into alert as a (id, organization_id, integration_id, alert_id, source, reference, state, psa_account_id, vendor_account_id, ${words})
    select ${id}::uuid, ${organizationId}::uuid, i.id, ${posted.alertId}, ${posted.source}, ${referenceOf(id, 1)},
            case when m.psa_account_id is not null and ${hasBoard} then ${alertMoves.sentMapped.to} else ${alertMoves.sentUnmapped.to} end, m.psa_account_id, ${posted.vendorAccountId},
            ${posted.title}, ${posted.description}, ${posted.priority}::int, ${posted.status}::int,
            ${posted.dueAt?.toISOString() ?? null}::timestamptz, ${posted.serviceId ?? null}
      from integration i
      left join account_mapping m on m.integration_id = i.id and m.vendor_account_id = ${posted.vendorAccountId}
     where i.id = ${integrationId}
    on conflict (integration_id, vendor_account_id, alert_id) do update
       set (${words}) = (excluded.title, excluded.description, excluded.priority, excluded.status, excluded.due_at,
                         excluded.service_id),
           revision = a.revision + 1, received_at = now(), cleared_at = null,
           content_revision = case when ${differs} then a.revision + 1 else a.content_revision end,
           gathered_into = null,
           state = case when not ${mayMove(sql`a.state`, alertMoves.sentMapped)} then a.state
                        when a.state = 'dismissed' and not ${differs} then a.state
                        when a.state = 'delivered' and not ${differs}
                             and a.delivered_at > now() - ${milliseconds(sameAgainMs)} then a.state
                        else excluded.state end,
           psa_account_id = coalesce(excluded.psa_account_id, a.psa_account_id)
    -- Such a query sees the rows as they were before this statement.
    returning a.id, a.state, (select b.state from alert b where b.id = a.id) as was`);
  const [row] = rows;
  if (!row) throw new Error('The alert was not kept.');
  const { was, ...kept } = row;
  await noteDecided(db, { id: kept.id, was });
  return kept;
}

/** The workflow of a dead alert waits for a decision. Where somebody has decided, it has to look again: the sweep wakes it. */
async function noteDecided(db: Queryable, { id, was }: { id: string; was: AlertState | null }): Promise<void> {
  if (was === 'dead') await commitFact(db, { kind: 'deliverAlert', id });
}

/**
 * What the PSA refuses for all alerts of an integration. One dead alert says so; until a person has decided about it no other alert
 * is tried, because it would be refused, too.
 */
const refusedForAll = (integrationId: SQLWrapper) => sql`(
  select b.reason ->> 'of' from alert b
   where b.integration_id = ${integrationId} and b.state = 'dead' and b.reason ->> 'of' is not null limit 1)`;

/** What the PSA refuses for all alerts of the integration, which a dead alert says; null = nothing. */
export async function readRefusedForAll(db: Queryable, integrationId: string): Promise<RefusedForAll | null> {
  const { rows } = await db.execute<{ refused: RefusedForAll | null }>(
    sql`select ${refusedForAll(sql`${integrationId}::uuid`)} as refused`,
  );
  return rows[0]?.refused ?? null;
}

/** Lists the integrations of a PSA connection of which the PSA refuses this for all alerts. */
export async function listRefusedForAll(db: Queryable, psaConnectionId: string, of: RefusedForAll): Promise<string[]> {
  const { rows } = await db.execute<{ id: string }>(sql`
    select i.id from integration i
     where i.psa_connection_id = ${psaConnectionId} and ${refusedForAll(sql`i.id`)} = ${of} order by i.id`);
  return rows.map(({ id }) => id);
}

/** Delivers the alert again that died because the PSA refuses this for all: another board, or another value, was chosen. */
export async function retryRefusedForAll(tx: Queryable, integrationId: string, of: RefusedForAll): Promise<void> {
  const rows = await tx
    .update(alert)
    .set({ state: alertMoves.retry.to, reason: null, revision: sql`${alert.revision} + 1` })
    .where(
      and(
        eq(alert.integrationId, integrationId),
        mayMove(alert.state, alertMoves.retry),
        sql`${alert.reason} ->> 'of' = ${of}`,
      ),
    )
    .returning({ id: alert.id });
  for (const { id } of rows) await commitFact(tx, { kind: 'deliverAlert', id });
}

/** Whether the integration `i` has a board for its alerts. */
const hasBoard = sql`coalesce(i.alerts->'board', 'null') <> 'null'`;

const differs = sql`((a.title, a.description, a.priority, a.due_at, a.cleared_at is null)
                     is distinct from (excluded.title, excluded.description, excluded.priority, excluded.due_at, true))`;

const undelivered = sql`(${alert.deliveredRevision} = 0 and ${mayMove(alert.state, alertMoves.clear)})`;

/**
 * Marks an alert as cleared, so that its ticket gets one note.
 *
 * @returns the row's id; undefined when there was nothing to clear
 */
export async function clearAlert(
  tx: Queryable,
  integrationId: string,
  of: Pick<AlertRow, 'vendorAccountId' | 'alertId'>,
): Promise<string | undefined> {
  const [row] = await tx
    .update(alert)
    .set({
      clearedAt: sql`now()`,
      revision: sql`${alert.revision} + 1`,
      contentRevision: sql`${alert.revision} + 1`,
      // An alert that was never delivered does not need to be delivered any more.
      state: sql`case when ${undelivered} then ${alertMoves.clear.to}
                      when ${mayMove(alert.state, alertMoves.tellCleared)} then ${alertMoves.tellCleared.to} else ${alert.state} end`,
      reason: sql`case when ${undelivered} then '{"code":"cleared","detail":"It was over before anybody was told."}'::jsonb end`,
    })
    .where(
      and(
        eq(alert.integrationId, integrationId),
        eq(alert.vendorAccountId, of.vendorAccountId),
        eq(alert.alertId, of.alertId),
        sql`${alert.clearedAt} is null and ${alert.state} <> 'dismissed'`,
      ),
    )
    // In RETURNING the column alone would be that of `b`, so its table is named.
    .returning({ id: alert.id, was: sql<AlertState>`(select b.state from alert b where b.id = ${alert}.id)` });
  if (row) await noteDecided(tx, row);
  return row?.id;
}

/**
 * Whether there is a free slot for an alert that was just stored. Called after the commit, without a lock: a transaction that
 * frees a slot meanwhile locks the integration and sees the alert.
 */
export async function canBeAdmitted(db: Queryable, id: string, slots: number): Promise<boolean> {
  const { rows } = await db.execute(sql`
    select 1 from alert a join integration i on i.id = a.integration_id
      join account_mapping m on m.integration_id = a.integration_id and m.vendor_account_id = a.vendor_account_id
     where a.id = ${id} and a.state in ('parked', 'waiting') and ${hasBoard}
       and (select count(*) from alert d where d.integration_id = a.integration_id and d.state = 'delivering') < ${slots}
     limit 1`);
  return rows.length > 0;
}

/** Sets parked alerts to `waiting` if their account is mapped now. */
export async function unparkMapped(tx: Queryable, integrationId: string): Promise<void> {
  const isMapped = isMappingOf(alert.integrationId, alert.vendorAccountId);
  await tx
    .update(alert)
    .set({ state: alertMoves.unpark.to, reason: null, psaAccountId: accountMapping.psaAccountId })
    .from(accountMapping)
    .where(and(eq(alert.integrationId, integrationId), mayMove(alert.state, alertMoves.unpark), isMapped));
}

/**
 * Gives the free slots to waiting alerts, the oldest first; none while the PSA refuses what every ticket is made with.
 *
 * @returns the alerts that got a slot
 */
export async function takeSlots(tx: Transaction, integrationId: string, slots: number) {
  const { rows } = await tx.execute<{ id: string; vendorAccountId: string }>(sql`
    update alert set state = ${alertMoves.takeSlot.to}, reason = null, admitted_at = coalesce(admitted_at, now())
     where id in (select id from alert where integration_id = ${integrationId} and ${mayMove(sql`state`, alertMoves.takeSlot)}
                     and ${refusedForAll(sql`${integrationId}::uuid`)} is null
                   order by received_at
                   limit greatest(0, ${slots} - (select count(*) from alert
                                                   where integration_id = ${integrationId} and state = 'delivering')))
    returning id, vendor_account_id as "vendorAccountId"`);
  return rows;
}

/** The most waiting alerts that `listBeyondStorm` returns for gathering at once. */
const gatheredTogether = 500;
const windowBegin = (minutes: number) => sql`now() - ${milliseconds(minutes * 60_000)}`;

/**
 * Lists each account's waiting alerts beyond the storm limit of the window; only alerts that would open new tickets.
 */
export async function listBeyondStorm(
  tx: Transaction,
  integrationId: string,
  { most, windowMinutes }: AlertSettings['storm'],
) {
  const { rows } = await tx.execute<{ id: string; psaAccountId: string; vendorAccountId: string }>(sql`
    with queue as (
      select id, psa_account_id, vendor_account_id, row_number() over (partition by psa_account_id order by received_at) as place
        from alert where integration_id = ${integrationId} and state = 'waiting' and source in ('vendor', 'rule') and ticket_id is null)
    select q.id, q.psa_account_id as "psaAccountId", q.vendor_account_id as "vendorAccountId" from queue q
     where q.place > ${most} - (select count(*) from alert a
                                 where a.integration_id = ${integrationId} and a.psa_account_id = q.psa_account_id
                                   and a.admitted_at > ${windowBegin(windowMinutes)} and a.source in ('vendor', 'rule'))
     limit ${gatheredTogether}`);
  return rows;
}

/** The newest storm of a PSA account within the window, unless the storm is `dead` or `dismissed`. */
export async function findOpenStorm(tx: Queryable, integrationId: string, psaAccountId: string, windowMinutes: number) {
  const [open] = await tx
    .select({ alertId: alert.alertId, vendorAccountId: alert.vendorAccountId })
    .from(alert)
    .where(
      and(
        eq(alert.integrationId, integrationId),
        eq(alert.psaAccountId, psaAccountId),
        eq(alert.source, 'storm'),
        notInArray(alert.state, ['dead', 'dismissed']),
        gt(alert.firstReceivedAt, windowBegin(windowMinutes)),
      ),
    )
    .orderBy(desc(alert.firstReceivedAt))
    .limit(1);
  return open;
}

/** Gathers alerts in a storm, which is delivered again: its text is the alert count, so each update is new content. */
export async function gatherInto(
  tx: Queryable,
  storm: { id: string; psaAccountId: string },
  ids: readonly string[],
): Promise<void> {
  await tx
    .update(alert)
    .set({ state: alertMoves.gather.to, gatheredInto: storm.id })
    .where(and(inArray(alert.id, [...ids]), mayMove(alert.state, alertMoves.gather)));
  // The storm takes the priority of its most urgent alert.
  await tx.execute(sql`
    update alert s set psa_account_id = ${storm.psaAccountId}, content_revision = revision,
           state = case when ${mayMove(sql`state`, alertMoves.gatherMore)} then ${alertMoves.gatherMore.to} else state end,
           priority = (select max(g.priority) from alert g where g.gathered_into = s.id)
     where id = ${storm.id}`);
}

/** Lists integrations with a free slot and alerts that could take it, for the sweep. */
export async function listIntegrationsWithIdleAlerts(db: Database, slots: number) {
  const { rows } = await db.execute<{ id: string }>(sql`
    select i.id from integration i
     where i.disconnected_at is null and ${hasBoard} and ${refusedForAll(sql`i.id`)} is null
       and (select count(*) from alert d where d.integration_id = i.id and d.state = 'delivering') < ${slots}
       and (exists (select from alert a where a.integration_id = i.id and a.state = 'waiting')
            or exists (select from alert a join account_mapping m
                         on m.integration_id = a.integration_id and m.vendor_account_id = a.vendor_account_id
                        where a.integration_id = i.id and a.state = 'parked'))`);
  return rows.map((row) => row.id);
}

export async function findAlert(db: Queryable, organizationId: string, id: string): Promise<AlertRow | undefined> {
  const [row] = await db
    .select()
    .from(alert)
    .where(and(eq(alert.organizationId, organizationId), eq(alert.id, id)));
  return row;
}

export async function findAlertOf(db: Queryable, integrationId: string, id: string): Promise<AlertRow | undefined> {
  const [row] = await db
    .select()
    .from(alert)
    .where(and(eq(alert.integrationId, integrationId), eq(alert.id, id)));
  return row;
}

/** Reads an alert by its id alone, for activities, which hold only the id of their own process. */
export async function readAlert(db: Queryable, id: string): Promise<AlertRow> {
  const [row] = await db.select().from(alert).where(eq(alert.id, id));
  if (!row) throw new Error(`There is no alert ${id}.`);
  return row;
}

/** An alert with the names of its account, at the vendor and in the PSA; null = not known. */
export type NamedAlert = AlertRow & {
  accountName: string | null;
  /** What tells the account from others of its name. */
  marks: VendorMarks | null;
  psaAccountName: string | null;
};

function selectNamed(db: Queryable) {
  return db
    .select({ alert, accountName: vendorAccount.name, marks: vendorMarks, psaAccountName: psaAccount.name })
    .from(alert)
    .innerJoin(integration, eq(integration.id, alert.integrationId))
    .leftJoin(vendorAccount, isVendorAccount(alert.integrationId, alert.vendorAccountId))
    .leftJoin(psaAccount, isPsaAccount(integration.psaConnectionId, alert.psaAccountId))
    .$dynamic();
}

const named = ({ alert: row, ...names }: Awaited<ReturnType<typeof selectNamed>>[number]): NamedAlert => ({
  ...row,
  ...names,
});

/** @throws Error when there is no such alert */
export async function readNamedAlert(db: Queryable, id: string): Promise<NamedAlert> {
  const [row] = await selectNamed(db).where(eq(alert.id, id));
  if (!row) throw new Error(`There is no alert ${id}.`);
  return named(row);
}

/** What a parked alert waits for; nothing when it is not parked, or waits for a board that the PSA takes again. */
export async function missingOf(db: Queryable, id: string): Promise<('mapping' | 'board')[]> {
  const { rows } = await db.execute<{ mapping: boolean; board: boolean }>(sql`
    select m.psa_account_id is null as mapping, not ${hasBoard} as board
      from alert a join integration i on i.id = a.integration_id
      left join account_mapping m on m.integration_id = a.integration_id and m.vendor_account_id = a.vendor_account_id
     where a.id = ${id} and a.state = 'parked'`);
  return rows.flatMap(({ mapping, board }) => [
    ...(mapping ? (['mapping'] as const) : []),
    ...(board ? (['board'] as const) : []),
  ]);
}

/** A page of alerts, the newest first. @param filter.search a part of a title, an account's name or a ticket's number */
export async function listAlerts(
  db: Queryable,
  organizationId: string,
  filter: {
    integrationId?: string | undefined;
    state?: AlertState | undefined;
    vendorAccountId?: string | undefined;
    gatheredInto?: string | undefined;
    search?: string | undefined;
  },
  page: { before?: { at: string; id: string } | undefined; limit: number },
): Promise<NamedAlert[]> {
  const { before } = page;
  const rows = await selectNamed(db)
    .where(
      and(
        eq(alert.organizationId, organizationId),
        filter.integrationId ? eq(alert.integrationId, filter.integrationId) : undefined,
        filter.state ? eq(alert.state, filter.state) : undefined,
        filter.vendorAccountId ? eq(alert.vendorAccountId, filter.vendorAccountId) : undefined,
        filter.gatheredInto ? eq(alert.gatheredInto, filter.gatheredInto) : undefined,
        containing(filter.search, alert.title, vendorAccount.name, psaAccount.name, alert.ticketId),
        before
          ? or(
              lt(alert.firstReceivedAt, new Date(before.at)),
              and(eq(alert.firstReceivedAt, new Date(before.at)), lt(alert.id, before.id)),
            )
          : undefined,
      ),
    )
    .orderBy(desc(alert.firstReceivedAt), desc(alert.id))
    .limit(page.limit);
  return rows.map(named);
}

/**
 * Lists the content of a storm's ticket: the titles of its gathered alerts with their counts, the most frequent first.
 */
export async function listGathered(db: Queryable, id: string): Promise<{ title: string; count: number }[]> {
  const { rows } = await db.execute<{ title: string; count: number }>(sql`
    select title, count(*)::int as count from alert where gathered_into = ${id} group by title order by 2 desc, 1`);
  return rows;
}

/**
 * Moves an alert to another state.
 *
 * @param change with `again`, the alert is delivered once more, as if it had been sent again
 * @returns false when the alert was not in a state that this move starts from
 */
export async function moveAlert(
  tx: Queryable,
  id: string,
  move: Move<AlertState>,
  { again, reason }: Pick<AlertRow, 'reason'> & { again?: true },
): Promise<boolean> {
  const rows = await tx
    .update(alert)
    .set({ state: move.to, reason, ...(again ? { revision: sql`${alert.revision} + 1` } : {}) })
    .where(and(eq(alert.id, id), mayMove(alert.state, move)))
    .returning({ id: alert.id });
  return rows.length > 0;
}

/**
 * Dismisses the integration's undelivered alerts, when the integration is disconnected or its alerts are turned off.
 *
 * @returns the ids of the dismissed alerts that had ever got a slot
 */
export async function dismissUndelivered(tx: Queryable, integrationId: string, reason: AlertReason): Promise<string[]> {
  const rows = await tx
    .update(alert)
    .set({ state: alertMoves.drop.to, reason, deliveringRevision: null })
    .where(and(eq(alert.integrationId, integrationId), mayMove(alert.state, alertMoves.drop)))
    .returning({ id: alert.id, admittedAt: alert.admittedAt });
  return rows.flatMap((row) => (row.admittedAt ? [row.id] : []));
}

/** Lists the deliveries under way, of every integration of a PSA connection, as processes to wake. */
export async function listAlertsAtWork(db: Queryable, psaConnectionId: string): Promise<Wakeable[]> {
  const rows = await db
    .select({ id: alert.id, organizationId: alert.organizationId, integrationId: alert.integrationId })
    .from(alert)
    .innerJoin(integration, eq(integration.id, alert.integrationId))
    .where(and(eq(integration.psaConnectionId, psaConnectionId), eq(alert.state, 'delivering')))
    .orderBy(asc(alert.id));
  return rows.map(deliveryProcess);
}
