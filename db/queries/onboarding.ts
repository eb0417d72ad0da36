/**
 * Rows of onboardings: customers that appeared after connect. commands/onboarding.ts moves them to their next state.
 */
import { and, asc, eq, inArray, isNotNull, sql, type SQL } from 'drizzle-orm';
import type { OnboardingKey } from '../../domain/process/ids.ts';
import type { ReminderTimes } from '../../domain/reminders.ts';
import { onboardingMoves, type Move, type OnboardingState } from '../../domain/transitions.ts';
import type { Queryable, Transaction } from '../client.ts';
import { fromNow, milliseconds } from '../interval.ts';
import { accountMapping, integration, onboarding, processStep, vendorAccount, type FoundBy } from '../schema/index.ts';
import { isMappingOf, isVendorAccount } from './joins.ts';
import { among } from './among.ts';
import { vendorMarks } from './lookalikes.ts';
import type { IntegrationRow } from './integration.ts';
import { mayMove } from './mayMove.ts';
import { isPausing, shownState } from './stepFacts.ts';

/** The states of an onboarding that is still under way. */
export const openStates: readonly OnboardingState[] = onboardingMoves.complete.from;
const isOpen = inArray(onboarding.state, [...openStates]);
const ofIntegration = (id: string) => eq(onboarding.integrationId, id);
/** Selects the onboardings of an integration. @param vendorAccountIds only these; absent = all */
const ofAccounts = (id: string, vendorAccountIds?: readonly string[]) =>
  and(ofIntegration(id), vendorAccountIds && among(onboarding.vendorAccountId, vendorAccountIds));
const ofKey = ({ integrationId, vendorAccountId }: OnboardingKey) => ofAccounts(integrationId, [vendorAccountId]);
/** The vendor account ids of these rows; every statement here that changes several rows returns them. */
const idsOf = (rows: readonly { id: string }[]) => rows.map(({ id }) => id);

/**
 * Sets these customers to `found` if they exist, are neither missing, excluded nor mapped, and have no onboarding under
 * way.
 *
 * @returns the vendor account ids of the customers found
 */
export async function insertFound(
  tx: Transaction,
  row: Pick<IntegrationRow, 'id' | 'organizationId'>,
  vendorAccountIds: readonly string[],
  by: FoundBy,
): Promise<string[]> {
  const { rows } = await tx.execute<{ id: string }>(sql`
    insert into onboarding as o (integration_id, vendor_account_id, organization_id, found_by)
    select a.integration_id, a.id, ${row.organizationId}::uuid, ${by}
      from vendor_account a
     where a.integration_id = ${row.id} and not a.excluded and a.missing_since is null
       and ${among(sql`a.id`, vendorAccountIds)}
       and not exists (select from account_mapping m where m.integration_id = a.integration_id and m.vendor_account_id = a.id)
     order by a.id
    on conflict (integration_id, vendor_account_id) do update
       set state = ${onboardingMoves.find.to}, found_by = excluded.found_by, found_at = now(), to_wake = false, reminders = 0,
           names_refused = o.names_refused and o.state = 'disconnected',
           reminded_at = null, escalated_at = null, ended_at = null
     where ${mayMove(sql`o.state`, onboardingMoves.find)}
    returning vendor_account_id as id`);
  return idsOf(rows);
}

/**
 * Lists customers whose onboarding is in one of these states, in the order in which they were found.
 *
 * @param of.ids only these; absent = all
 */
export async function listInState(
  db: Queryable,
  integrationId: string,
  states: readonly OnboardingState[],
  of: { ids?: readonly string[]; max?: number } = {},
): Promise<string[]> {
  const rows = await db
    .select({ id: onboarding.vendorAccountId })
    .from(onboarding)
    .where(and(ofAccounts(integrationId, of.ids), inArray(onboarding.state, [...states])))
    .orderBy(asc(onboarding.foundAt), asc(onboarding.vendorAccountId))
    .limit(of.max ?? Number.MAX_SAFE_INTEGER);
  return idsOf(rows);
}

/**
 * Reads an open onboarding's state and locks its row until the transaction ends; undefined = no onboarding is under
 * way.
 */
export async function lockOpen(tx: Transaction, key: OnboardingKey): Promise<OnboardingState | undefined> {
  const rows = await tx
    .select({ state: onboarding.state })
    .from(onboarding)
    .where(and(ofKey(key), isOpen))
    .for('update');
  return rows[0]?.state;
}

/**
 * Moves onboardings to another state. An onboarding that has ended is no longer escalated; a customer that a person
 * unmapped is no longer mapped by its name.
 *
 * @param of.ids only these customers; absent = all of the integration
 * @param of.toWake whether `startOnboardings` has to wake the onboardings; absent = unchanged
 */
export async function moveOnboardings(
  tx: Queryable,
  integrationId: string,
  of: { ids?: readonly string[]; move: Move<OnboardingState>; toWake?: boolean },
): Promise<string[]> {
  const ended = openStates.includes(of.move.to) ? {} : { endedAt: sql`now()`, escalatedAt: null };
  const unmapped = of.move === onboardingMoves.unmap ? { namesRefused: true } : {};
  const rows = await tx
    .update(onboarding)
    .set({ state: of.move.to, toWake: of.toWake, ...ended, ...unmapped })
    .where(and(ofAccounts(integrationId, of.ids), mayMove(onboarding.state, of.move)))
    .returning({ id: onboarding.vendorAccountId });
  return idsOf(rows);
}

/**
 * Lists waiting customers that have the name of an active PSA account. Only these may be mapped by name: few of
 * thousands.
 */
export async function listWaitingWithEqualNames(tx: Transaction, row: IntegrationRow): Promise<string[]> {
  const { rows } = await tx.execute<{ id: string }>(sql`
    select o.vendor_account_id as id
      from onboarding o
      join vendor_account a on a.integration_id = o.integration_id and a.id = o.vendor_account_id
     where o.integration_id = ${row.id} and o.state = 'waiting' and not o.names_refused
       and a.name in (select p.name from psa_account p where p.psa_connection_id = ${row.psaConnectionId} and p.active)`);
  return idsOf(rows);
}

/** Moves waiting onboardings whose customer is mapped now to the mapped state, to be woken. @returns their customers */
export async function markMapped(tx: Transaction, integrationId: string): Promise<string[]> {
  const isMapped = isMappingOf(onboarding.integrationId, onboarding.vendorAccountId);
  const rows = await tx
    .update(onboarding)
    .set({ state: onboardingMoves.map.to, toWake: true, escalatedAt: null })
    .from(accountMapping)
    .where(and(ofIntegration(integrationId), mayMove(onboarding.state, onboardingMoves.map), isMapped))
    .returning({ id: onboarding.vendorAccountId });
  return idsOf(rows);
}

/**
 * Marks mapped onboardings to be woken if one of their steps meets a condition.
 *
 * @param step condition on the row `s` of process_step
 */
async function markMappedWhere(tx: Transaction, integrationId: string, step: SQL): Promise<string[]> {
  const { rows } = await tx.execute<{ id: string }>(sql`
    update onboarding o set to_wake = true
     where o.integration_id = ${integrationId} and o.state = 'mapped'
       and exists (select from process_step s
                    where s.kind = 'onboardCustomer' and s.id = o.integration_id || '/' || o.vendor_account_id and ${step})
    returning o.vendor_account_id as id`);
  return idsOf(rows);
}

/** Marks mapped onboardings to be woken if they wait for counts and their counts are visible. */
export async function markCounted(tx: Transaction, integrationId: string): Promise<string[]> {
  const isCounted = sql`exists (select from usage_count u
    where u.integration_id = o.integration_id and u.vendor_account_id = o.vendor_account_id)`;
  return markMappedWhere(
    tx,
    integrationId,
    sql`s.step = 'counts' and s.state not in ('done', 'skipped') and ${isCounted}`,
  );
}

/** Marks mapped onboardings to be woken if they are blocked or wait for a pause to end. */
export async function markStuck(tx: Transaction, integrationId: string): Promise<string[]> {
  return markMappedWhere(tx, integrationId, sql`(${shownState('s')} = 'blocked' or ${isPausing('s')})`);
}

/** Marks onboardings to be woken. */
export async function markToWake(tx: Queryable, integrationId: string, ids: readonly string[]): Promise<void> {
  await tx.update(onboarding).set({ toWake: true }).where(ofAccounts(integrationId, ids));
}

/** Clears `to_wake`: the caller that changed the onboarding wakes it, so `startOnboardings` does not have to. */
export async function clearToWake(tx: Queryable, key: OnboardingKey): Promise<void> {
  await tx.update(onboarding).set({ toWake: false }).where(ofKey(key));
}

/** When a customer becomes a problem; null = it is one already. */
const escalatesAt = ({ escalateMs }: ReminderTimes) =>
  sql`case when o.escalated_at is null then o.found_at + ${milliseconds(escalateMs)} end`;

/**
 * Sets when a person is reminded that waiting customers are not mapped: after a while from now, or when that becomes a
 * problem, if this is sooner.
 */
export async function remindLater(
  tx: Queryable,
  integrationId: string,
  vendorAccountIds: readonly string[],
  times: ReminderTimes,
): Promise<void> {
  // A customer that was mapped for longer, and is not any more, does not become a problem at once.
  const problem = sql`case when ${escalatesAt(times)} > now() then ${escalatesAt(times)} end`;
  await setReminders(tx, integrationId, {
    of: among(sql`o.vendor_account_id`, vendorAccountIds),
    at: sql`least(${fromNow(times.remindMs)}, ${problem})`,
  });
}

/**
 * Counts the time to the next reminder of all waiting customers anew, from their last reminder, or from when they were found.
 *
 * @returns the customers whose time has changed
 */
export async function remindAnew(tx: Queryable, integrationId: string, times: ReminderTimes): Promise<string[]> {
  const next = sql`coalesce(o.reminded_at, o.found_at) + ${milliseconds(times.remindMs)}`;
  return setReminders(tx, integrationId, {
    of: sql`o.state = 'waiting'`,
    at: sql`greatest(now(), least(${next}, ${escalatesAt(times)}))`,
  });
}

async function setReminders(tx: Queryable, integrationId: string, { of, at }: { of: SQL; at: SQL }): Promise<string[]> {
  const { rows } = await tx.execute<{ id: string }>(sql`
    update process_step s set remind_at = ${at}
      from onboarding o
     where o.integration_id = ${integrationId} and ${of}
       and s.kind = 'onboardCustomer' and s.id = o.integration_id || '/' || o.vendor_account_id and s.round = '1'
       and s.step = 'mapCustomer' and s.remind_at is distinct from ${at}
    returning o.vendor_account_id as id`);
  return idsOf(rows);
}

/**
 * Counts a reminder of a waiting onboarding.
 *
 * @param times.escalateMs milliseconds after the customer was found from which the onboarding is escalated as a problem
 * @returns whether the onboarding is escalated, and whether this reminder escalated it; undefined when the onboarding is no longer waiting
 */
export async function countReminder(
  tx: Transaction,
  key: OnboardingKey,
  { escalateMs }: ReminderTimes,
): Promise<{ escalated: boolean; escalatedNow: boolean; organizationId: string } | undefined> {
  const isOverdue = sql`now() - ${onboarding.foundAt} >= ${milliseconds(escalateMs)}`;
  const [row] = await tx
    .update(onboarding)
    .set({
      reminders: sql`${onboarding.reminders} + 1`,
      remindedAt: sql`now()`,
      escalatedAt: sql`coalesce(${onboarding.escalatedAt}, case when ${isOverdue} then now() end)`,
    })
    .where(and(ofKey(key), eq(onboarding.state, 'waiting')))
    .returning({
      organizationId: onboarding.organizationId,
      escalated: sql<boolean>`${onboarding.escalatedAt} is not null`,
      // `now()` is the same moment throughout a transaction, so equality means that this statement escalated.
      escalatedNow: sql<boolean>`${onboarding.escalatedAt} is not distinct from now()`,
    });
  return row;
}

function selectOnboardings(db: Queryable) {
  return db
    .select({
      onboarding,
      psaConnectionId: integration.psaConnectionId,
      chosenReminders: integration.reminders,
      name: vendorAccount.name,
      marks: vendorMarks,
      excluded: vendorAccount.excluded,
      psaAccountId: accountMapping.psaAccountId,
      how: accountMapping.how,
      remindsAt: processStep.remindAt,
    })
    .from(onboarding)
    .innerJoin(integration, eq(integration.id, onboarding.integrationId))
    .innerJoin(vendorAccount, isVendorAccount(onboarding.integrationId, onboarding.vendorAccountId))
    .leftJoin(accountMapping, isMappingOf(onboarding.integrationId, onboarding.vendorAccountId))
    .leftJoin(
      processStep,
      and(
        eq(processStep.kind, 'onboardCustomer'),
        eq(processStep.id, sql`${onboarding.integrationId} || '/' || ${onboarding.vendorAccountId}`),
        eq(processStep.round, '1'),
        eq(processStep.step, 'mapCustomer'),
        eq(onboarding.state, 'waiting'),
      ),
    )
    .$dynamic();
}

/** A page of onboardings, the oldest first. */
export async function listOnboardings(
  db: Queryable,
  organizationId: string,
  filter: {
    integrationId?: string | undefined;
    state?: OnboardingState | undefined;
    open?: boolean | undefined;
    escalated?: boolean | undefined;
  },
  page: { after?: OnboardingKey | undefined; limit: number },
) {
  const { after } = page;
  const place = sql`(${onboarding.foundAt}, ${onboarding.integrationId}, ${onboarding.vendorAccountId})`;
  return selectOnboardings(db)
    .where(
      and(
        eq(onboarding.organizationId, organizationId),
        filter.integrationId ? ofIntegration(filter.integrationId) : undefined,
        filter.state ? eq(onboarding.state, filter.state) : undefined,
        filter.open ? isOpen : undefined,
        filter.escalated ? isNotNull(onboarding.escalatedAt) : undefined,
        // The page begins after a row, not after a time: a time that passed through JavaScript has lost its
        // microseconds.
        after
          ? sql`${place} > (select a.found_at, a.integration_id, a.vendor_account_id from onboarding a
                             where a.integration_id = ${after.integrationId} and a.vendor_account_id = ${after.vendorAccountId})`
          : undefined,
      ),
    )
    .orderBy(asc(onboarding.foundAt), asc(onboarding.integrationId), asc(onboarding.vendorAccountId))
    .limit(page.limit);
}

export async function findOnboarding(db: Queryable, key: OnboardingKey) {
  const [row] = await selectOnboardings(db).where(ofKey(key));
  return row;
}
