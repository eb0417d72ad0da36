/** Rows of customers that appeared after connect. What moves them on is in commands/onboarding.ts. */
import { and, asc, eq, inArray, sql, type SQL } from 'drizzle-orm';
import type { OnboardingKey } from '../../domain/process/ids.ts';
import { onboardingMoves, type Move, type OnboardingState } from '../../domain/transitions.ts';
import type { Queryable, Transaction } from '../client.ts';
import { accountMapping, onboarding, processStep, vendorAccount, type FoundBy } from '../schema/index.ts';
import { isMappingOf, isVendorAccount } from './joins.ts';
import { among } from './among.ts';
import type { IntegrationRow } from './integration.ts';
import { mayMove } from './mayMove.ts';
import { isPausing } from './processView.ts';

/** Of customers that are on their way. */
export const openStates: readonly OnboardingState[] = onboardingMoves.complete.from;
const isOpen = inArray(onboarding.state, [...openStates]);
const ofIntegration = (id: string) => eq(onboarding.integrationId, id);
/** @param vendorAccountIds absent = all */
const ofAccounts = (id: string, vendorAccountIds?: readonly string[]) =>
  and(ofIntegration(id), vendorAccountIds && among(onboarding.vendorAccountId, vendorAccountIds));
const ofKey = ({ integrationId, vendorAccountId }: OnboardingKey) => ofAccounts(integrationId, [vendorAccountId]);
/** Vendor's ids, which every statement here answers that changes several rows. */
const idsOf = (rows: readonly { id: string }[]) => rows.map(({ id }) => id);

/**
 * Of these customers those become `found` that are there, neither excluded nor mapped, and not on their way already.
 *
 * @returns their vendor's ids
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

/** Customers whose onboarding is in one of these states, the one found first first. @param of.ids these; absent = all */
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

/** The state of one that is on its way, and stays in it until the transaction ends; undefined = it is not on its way. */
export async function lockOpen(tx: Transaction, key: OnboardingKey): Promise<OnboardingState | undefined> {
  const rows = await tx
    .select({ state: onboarding.state })
    .from(onboarding)
    .where(and(ofKey(key), isOpen))
    .for('update');
  return rows[0]?.state;
}

/**
 * Moves onboardings on. One that has ended is no problem any more; one that a person unmapped is mapped by its name no more.
 *
 * @param of.ids these; absent = all of the integration
 * @param of.toWake whether `startOnboardings` has to wake them; absent = as it was
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

/** Those that wait and have the name of an active PSA account, which alone may be mapped by it: few of thousands. */
export async function listWaitingWithEqualNames(tx: Transaction, row: IntegrationRow): Promise<string[]> {
  const { rows } = await tx.execute<{ id: string }>(sql`
    select o.vendor_account_id as id
      from onboarding o
      join vendor_account a on a.integration_id = o.integration_id and a.id = o.vendor_account_id
     where o.integration_id = ${row.id} and o.state = 'waiting' and not o.names_refused
       and a.name in (select p.name from psa_account p where p.psa_connection_id = ${row.psaConnectionId} and p.active)`);
  return idsOf(rows);
}

/** Those that wait and are mapped by now. */
export async function markMapped(tx: Transaction, integrationId: string): Promise<string[]> {
  const { rows } = await tx.execute<{ id: string }>(sql`
    update onboarding o set state = ${onboardingMoves.map.to}, to_wake = true, escalated_at = null
      from account_mapping m
     where o.integration_id = ${integrationId} and ${mayMove(sql`o.state`, onboardingMoves.map)}
       and m.integration_id = o.integration_id and m.vendor_account_id = o.vendor_account_id
    returning o.vendor_account_id as id`);
  return idsOf(rows);
}

/** Mapped ones that have to be woken, because a step of theirs is so. @param step of its row `s` in process_step */
async function markMappedWhere(tx: Transaction, integrationId: string, step: SQL): Promise<string[]> {
  const { rows } = await tx.execute<{ id: string }>(sql`
    update onboarding o set to_wake = true
     where o.integration_id = ${integrationId} and o.state = 'mapped'
       and exists (select from process_step s
                    where s.kind = 'onboardCustomer' and s.id = o.integration_id || '/' || o.vendor_account_id and ${step})
    returning o.vendor_account_id as id`);
  return idsOf(rows);
}

/** Mapped ones that wait for counts, and whose counts are visible. */
export async function markCounted(tx: Transaction, integrationId: string): Promise<string[]> {
  const isCounted = sql`exists (select from usage_count u
    where u.integration_id = o.integration_id and u.vendor_account_id = o.vendor_account_id)`;
  return markMappedWhere(
    tx,
    integrationId,
    sql`s.step = 'counts' and s.state not in ('done', 'skipped') and ${isCounted}`,
  );
}

/** Mapped ones that are blocked, or wait for a pause to be over. */
export async function markStuck(tx: Transaction, integrationId: string): Promise<string[]> {
  return markMappedWhere(tx, integrationId, sql`(s.state = 'blocked' or ${isPausing('s')})`);
}

/** Whoever changed it wakes it: `startOnboardings` does not have to. */
export async function clearToWake(tx: Queryable, key: OnboardingKey): Promise<void> {
  await tx.update(onboarding).set({ toWake: false }).where(ofKey(key));
}

/** Sets when somebody is reminded that these are not mapped. @param ids of their processes @param remindMs milliseconds from now */
export async function remindLater(tx: Queryable, ids: readonly string[], remindMs: number): Promise<void> {
  await tx
    .update(processStep)
    .set({ remindAt: sql`now() + ${remindMs} * interval '1 millisecond'` })
    .where(
      and(eq(processStep.kind, 'onboardCustomer'), among(processStep.id, ids), eq(processStep.step, 'mapCustomer')),
    );
}

/**
 * Counts a reminder of one that waits.
 *
 * @param escalateMs milliseconds since it was found after which it is a problem
 * @returns whether it has become one now; undefined when it does not wait any more
 */
export async function countReminder(
  tx: Transaction,
  key: OnboardingKey,
  escalateMs: number,
): Promise<{ escalated: boolean; organizationId: string } | undefined> {
  const isOverdue = sql`now() - ${onboarding.foundAt} >= ${escalateMs} * interval '1 millisecond'`;
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
      // In a transaction `now()` is one moment.
      escalated: sql<boolean>`${onboarding.escalatedAt} is not distinct from now()`,
    });
  return row;
}

function selectOnboardings(db: Queryable) {
  return db
    .select({
      onboarding,
      name: vendorAccount.name,
      excluded: vendorAccount.excluded,
      psaAccountId: accountMapping.psaAccountId,
      how: accountMapping.how,
    })
    .from(onboarding)
    .innerJoin(vendorAccount, isVendorAccount(onboarding.integrationId, onboarding.vendorAccountId))
    .leftJoin(accountMapping, isMappingOf(onboarding.integrationId, onboarding.vendorAccountId))
    .$dynamic();
}

/** A page of onboardings, the oldest first. */
export async function listOnboardings(
  db: Queryable,
  organizationId: string,
  filter: { integrationId?: string | undefined; state?: OnboardingState | undefined; open?: boolean | undefined },
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
        // By the row and not by its time: a time that has passed through JavaScript has lost its microseconds.
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
