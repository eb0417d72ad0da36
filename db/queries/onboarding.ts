/** Customers that appear after connect: found, mapped, counted, shown. */
import { and, asc, eq, inArray, lte, sql } from 'drizzle-orm';
import {
  onboardingId,
  type OnboardingKey,
  onboardingProcess,
  startOnboardingsProcess,
  type Wakeable,
} from '../../domain/process/ids.ts';
import { isFinished, skippedOnboardingSteps } from '../../domain/process/steps.ts';
import type { Database, Queryable, Transaction } from '../client.ts';
import {
  accountMapping,
  onboarding,
  processes,
  processStep,
  vendorAccount,
  type FoundBy,
  type OnboardingState,
} from '../schema/index.ts';
import { among } from './among.ts';
import { byCountersign, recordAudits } from './audit.ts';
import { findAccountMapping, findVendorAccount, linkVendorAccounts, type IntegrationRow } from './integration.ts';
import {
  beginRounds,
  commitFact,
  commitFacts,
  createProcess,
  finishSteps,
  isPausing,
  listSteps,
  reopenSteps,
} from './process.ts';

type Owned = Pick<IntegrationRow, 'id' | 'organizationId'>;

const openStates: readonly OnboardingState[] = ['found', 'waiting', 'mapped'];
const isOpen = inArray(onboarding.state, [...openStates]);
const ofIntegration = (id: string) => eq(onboarding.integrationId, id);
const ofAccounts = (id: string, vendorAccountIds: readonly string[]) =>
  and(ofIntegration(id), among(onboarding.vendorAccountId, vendorAccountIds));

/**
 * Begins the onboarding of customers that nobody was asked about: those that appeared after the person declared the
 * mapping of connect complete, and that are neither mapped nor excluded. They are linked from now on.
 */
export async function beginOnboardings(
  tx: Transaction,
  row: Owned,
  vendorAccountIds: readonly string[],
  found: { by: FoundBy; actor?: string },
): Promise<Wakeable[]> {
  if (vendorAccountIds.length === 0 || !(await isPastMapping(tx, row.id))) return [];
  const { rows } = await tx.execute<{ id: string }>(sql`
    insert into onboarding as o (integration_id, vendor_account_id, organization_id, found_by)
    select a.integration_id, a.id, ${row.organizationId}::uuid, ${found.by}
      from vendor_account a
     where a.integration_id = ${row.id} and not a.excluded and a.missing_since is null
       and ${among(sql`a.id`, vendorAccountIds)}
       and not exists (select from account_mapping m where m.integration_id = a.integration_id and m.vendor_account_id = a.id)
     order by a.id
    on conflict (integration_id, vendor_account_id) do update
       set state = 'found', found_by = excluded.found_by, found_at = now(), to_wake = false, reminders = 0,
           names_refused = o.names_refused and o.state = 'disconnected',
           reminded_at = null, escalated_at = null, ended_at = null
     where o.state not in ('found', 'waiting', 'mapped')
    returning vendor_account_id as id`);
  const ids = rows.map(({ id }) => id);
  if (ids.length === 0) return [];
  await linkVendorAccounts(tx, row.id, ids);
  // What a person did is told by the audit of that.
  if (found.by !== 'person') {
    await recordAudits(
      tx,
      row.organizationId,
      ids.map((id) => ({
        actor: found.actor ?? byCountersign,
        action: 'customer.found',
        subjectKind: 'vendor_account',
        subjectId: `${row.id}/${id}`,
        after: { by: found.by },
      })),
    );
  }
  return [await askToStart(tx, row)];
}

/** A person has said which of the customers of then are which: whoever comes later has not been asked about. */
async function isPastMapping(db: Queryable, integrationId: string): Promise<boolean> {
  const steps = await listSteps(db, { kind: 'connect', id: integrationId });
  const mapping = steps.find(({ step }) => step === 'mapAccounts');
  return mapping !== undefined && isFinished(mapping.state);
}

/** A fact for whoever starts onboardings. */
async function askToStart(tx: Transaction, row: Owned): Promise<Wakeable> {
  const starter = startOnboardingsProcess(row);
  await createProcess(tx, row.organizationId, starter);
  await commitFact(tx, starter);
  return starter;
}

/**
 * Starts some of the customers that were found. The caller holds the integration's lock.
 *
 * @param remindMs milliseconds until whoever has to map one is reminded
 * @returns how many were started
 */
export async function startSome(
  tx: Transaction,
  row: IntegrationRow,
  { max, remindMs }: { max: number; remindMs: number },
): Promise<number> {
  const found = await tx
    .select()
    .from(onboarding)
    .where(and(ofIntegration(row.id), eq(onboarding.state, 'found')))
    .orderBy(asc(onboarding.foundAt), asc(onboarding.vendorAccountId))
    .limit(max);
  await start(
    tx,
    row,
    found.map(({ vendorAccountId }) => vendorAccountId),
    remindMs,
  );
  return found.length;
}

/** Those that wait and have the name of an active PSA account, which alone may be mapped by it: few of thousands. */
export async function listWaitingWithEqualNames(tx: Transaction, row: IntegrationRow): Promise<string[]> {
  const { rows } = await tx.execute<{ id: string }>(sql`
    select o.vendor_account_id as id
      from onboarding o
      join vendor_account a on a.integration_id = o.integration_id and a.id = o.vendor_account_id
     where o.integration_id = ${row.id} and o.state = 'waiting' and not o.names_refused
       and a.name in (select p.name from psa_account p where p.psa_connection_id = ${row.psaConnectionId} and p.active)`);
  return rows.map(({ id }) => id);
}

/** Their processes, in their first round or again. */
async function start(
  tx: Transaction,
  row: IntegrationRow,
  vendorAccountIds: readonly string[],
  remindMs: number,
): Promise<void> {
  if (vendorAccountIds.length === 0) return;
  const processes = vendorAccountIds.map((vendorAccountId) => ({
    id: onboardingId({ integrationId: row.id, vendorAccountId }),
    about: `vendor account ${vendorAccountId}`,
  }));
  const skipped = skippedOnboardingSteps(row.intake).map((step) => [step, 'skipped'] as const);
  await beginRounds(tx, {
    kind: 'onboardCustomer',
    organizationId: row.organizationId,
    integrationId: row.id,
    round: '1',
    dueInMs: remindMs,
    states: { detect: 'done', ...Object.fromEntries(skipped) },
    processes,
  });
  await remindLater(
    tx,
    processes.map(({ id }) => id),
    remindMs,
  );
  await tx.update(onboarding).set({ state: 'waiting', toWake: true }).where(ofAccounts(row.id, vendorAccountIds));
}

async function remindLater(tx: Transaction, ids: readonly string[], remindMs: number): Promise<void> {
  await tx
    .update(processStep)
    .set({ remindAt: sql`now() + ${remindMs} * interval '1 millisecond'` })
    .where(
      and(eq(processStep.kind, 'onboardCustomer'), among(processStep.id, ids), eq(processStep.step, 'mapCustomer')),
    );
}

/** Moves on those that wait and are mapped by now. */
export async function advanceMapped(tx: Transaction, integrationId: string): Promise<void> {
  const { rows } = await tx.execute<{ id: string }>(sql`
    update onboarding o set state = 'mapped', to_wake = true, escalated_at = null
      from account_mapping m
     where o.integration_id = ${integrationId} and o.state = 'waiting'
       and m.integration_id = o.integration_id and m.vendor_account_id = o.vendor_account_id
    returning o.vendor_account_id as id`);
  await finishFor(tx, integrationId, rows, ['mapCustomer']);
  await markCounted(tx, integrationId);
}

/** Intake push: those whose counts have come and are visible go on. In the transaction that made them so. */
export async function advanceCounted(tx: Transaction, row: Owned): Promise<Wakeable[]> {
  return (await markCounted(tx, row.id)) > 0 ? [await askToStart(tx, row)] : [];
}

async function markCounted(tx: Transaction, integrationId: string): Promise<number> {
  const { rows } = await tx.execute<{ id: string }>(sql`
    update onboarding o set to_wake = true
     where o.integration_id = ${integrationId} and o.state = 'mapped'
       and exists (select from usage_count u
                    where u.integration_id = o.integration_id and u.vendor_account_id = o.vendor_account_id)
       and exists (select from process_step s
                    where (s.kind, s.id, s.step) = ('onboardCustomer', o.integration_id || '/' || o.vendor_account_id, 'counts')
                      and s.state not in ('done', 'skipped'))
    returning o.vendor_account_id as id`);
  await finishFor(tx, integrationId, rows, ['counts']);
  return rows.length;
}

/** Finishes steps of several onboardings, and makes their processes look again. */
async function finishFor(
  tx: Transaction,
  integrationId: string,
  accounts: readonly { id: string }[],
  steps: readonly string[],
  state: 'done' | 'skipped' = 'done',
): Promise<void> {
  if (accounts.length === 0) return;
  const ids = accounts.map(({ id }) => onboardingId({ integrationId, vendorAccountId: id }));
  await finishSteps(tx, { kind: 'onboardCustomer', ids, steps, state });
  await commitFacts(tx, { kind: 'onboardCustomer', ids });
}

/**
 * A customer was mapped, unmapped or excluded: its onboarding follows, if it has one. Part of the change's own transaction.
 */
export async function settleOnboarding(tx: Transaction, row: Owned, vendorAccountId: string): Promise<Wakeable[]> {
  const [current] = await tx
    .select()
    .from(onboarding)
    .where(and(ofAccounts(row.id, [vendorAccountId]), isOpen))
    .for('update');
  const ref = onboardingProcess(row, vendorAccountId);
  if (!current) return [];
  const account = await findVendorAccount(tx, row.id, vendorAccountId);
  if (account?.excluded) return endOnboardings(tx, row, 'excluded', [vendorAccountId]);
  // One that was not started yet is looked at when it is.
  if (current.state === 'found') return [];
  if (await findAccountMapping(tx, row.id, vendorAccountId)) {
    await advanceMapped(tx, row.id);
    // The caller does.
    await tx
      .update(onboarding)
      .set({ toWake: false })
      .where(ofAccounts(row.id, [vendorAccountId]));
    return [ref];
  }
  return (await reopenUnmapped(tx, row, [vendorAccountId], { toWake: false })) > 0 ? [ref] : [];
}

/** The same of many customers at once. They go on some at a time. */
export async function settleOnboardings(
  tx: Transaction,
  row: Owned,
  { mapped, unmapped, excluded }: Record<'mapped' | 'unmapped' | 'excluded', readonly string[]>,
): Promise<Wakeable[]> {
  const toWake = excluded.length > 0 ? await endOnboardings(tx, row, 'excluded', excluded) : [];
  const waits =
    (unmapped.length > 0 && (await reopenUnmapped(tx, row, unmapped, { toWake: true })) > 0) ||
    (mapped.length > 0 && (await tx.$count(onboarding, and(ofAccounts(row.id, mapped), isOpen))) > 0);
  return waits ? [...toWake, await askToStart(tx, row)] : toWake;
}

/**
 * Those that were on their way wait again, for a person: their names were refused.
 *
 * @param toWake whether `startOnboardings` has to wake them
 * @returns how many
 */
async function reopenUnmapped(
  tx: Transaction,
  row: Owned,
  vendorAccountIds: readonly string[],
  { toWake }: { toWake: boolean },
): Promise<number> {
  const reopened = await tx
    .update(onboarding)
    .set({ state: 'waiting', namesRefused: true, toWake })
    .where(and(ofAccounts(row.id, vendorAccountIds), eq(onboarding.state, 'mapped')))
    .returning({ id: onboarding.vendorAccountId });
  const ids = reopened.map(({ id }) => onboardingId({ integrationId: row.id, vendorAccountId: id }));
  await reopenSteps(tx, { kind: 'onboardCustomer', ids, round: '1', steps: ['mapCustomer'] });
  await commitFacts(tx, { kind: 'onboardCustomer', ids });
  return reopened.length;
}

/**
 * Ends onboardings that have no end of their own: nothing of them is left to do.
 *
 * @param vendorAccountIds these; absent = all of the integration
 */
export async function endOnboardings(
  tx: Transaction,
  row: Owned,
  state: 'excluded' | 'gone' | 'disconnected',
  vendorAccountIds?: readonly string[],
): Promise<Wakeable[]> {
  const ended = await tx
    .update(onboarding)
    .set({ state, endedAt: sql`now()`, escalatedAt: null, toWake: true })
    .where(and(vendorAccountIds ? ofAccounts(row.id, vendorAccountIds) : ofIntegration(row.id), isOpen))
    .returning({ id: onboarding.vendorAccountId });
  await finishFor(tx, row.id, ended, ['detect', 'mapCustomer', 'pullCustomer', 'counts', 'showCards'], 'skipped');
  return ended.length > 0 ? [await askToStart(tx, row)] : [];
}

/** Begins again what ended because the integration was disconnected. */
export async function resumeOnboardings(tx: Transaction, row: Owned): Promise<Wakeable[]> {
  const ended = await tx
    .select({ id: onboarding.vendorAccountId })
    .from(onboarding)
    .where(and(ofIntegration(row.id), eq(onboarding.state, 'disconnected')));
  return beginOnboardings(
    tx,
    row,
    ended.map(({ id }) => id),
    { by: 'person' },
  );
}

/** The onboarding has shown its customer's cards. */
export async function completeOnboarding(tx: Transaction, key: OnboardingKey): Promise<void> {
  await tx
    .update(onboarding)
    .set({ state: 'done', endedAt: sql`now()` })
    .where(and(ofAccounts(key.integrationId, [key.vendorAccountId]), isOpen));
}

/** PSA names, or customers' names, are others now: some that wait may have found their partner. */
export async function askToMatch(
  tx: Transaction,
  of: { psaConnectionId: string } | { integrationId: string },
): Promise<Wakeable[]> {
  const scope =
    'integrationId' in of ? sql`i.id = ${of.integrationId}` : sql`i.psa_connection_id = ${of.psaConnectionId}`;
  const { rows } = await tx.execute<{ id: string; organizationId: string }>(sql`
    update process p set version = p.version + 1, due_at = now(), sweeps = 0
      from integration i
     where p.kind = 'startOnboardings' and p.id = i.id::text and ${scope} and i.disconnected_at is null
       and exists (select from onboarding o where o.integration_id = i.id and o.state = 'waiting')
    returning i.id, i.organization_id as "organizationId"`);
  return rows.map(startOnboardingsProcess);
}

/** Onboardings that are blocked, or wait for a pause to be over, go on: new credentials may free them. */
export async function reopenStuckOnboardings(tx: Transaction, row: Owned): Promise<Wakeable[]> {
  const { rows } = await tx.execute<{ id: string }>(sql`
    update onboarding o set to_wake = true
     where o.integration_id = ${row.id} and o.state = 'mapped'
       and exists (select from process_step s
                    where s.kind = 'onboardCustomer' and s.id = o.integration_id || '/' || o.vendor_account_id
                      and (s.state = 'blocked' or ${isPausing('s')}))
    returning o.vendor_account_id as id`);
  await finishFor(tx, row.id, rows, []);
  return rows.length > 0 ? [await askToStart(tx, row)] : [];
}

/** Onboardings that have something to do, and whose workflows have not come to rest yet. */
export async function countRestless(db: Queryable, integrationId: string): Promise<number> {
  return db.$count(
    processes,
    and(
      eq(processes.kind, 'onboardCustomer'),
      eq(processes.integrationId, integrationId),
      lte(processes.dueAt, sql`now()`),
    ),
  );
}

/** One whose workflow has to be woken, and the process's version that says so. */
export interface OnboardingToWake {
  id: string;
  version: number;
}

/** Those whose workflows have to be woken. */
export async function listToWake(db: Queryable, integrationId: string, max: number): Promise<OnboardingToWake[]> {
  return db
    .select({ id: onboarding.vendorAccountId, version: processes.version })
    .from(onboarding)
    .innerJoin(
      processes,
      and(
        eq(processes.kind, 'onboardCustomer'),
        eq(processes.id, sql`${onboarding.integrationId} || '/' || ${onboarding.vendorAccountId}`),
      ),
    )
    .where(and(ofIntegration(integrationId), eq(onboarding.toWake, true)))
    .orderBy(asc(onboarding.foundAt), asc(onboarding.vendorAccountId))
    .limit(max);
}

/**
 * They were woken, but for what happened to them meanwhile: that asks for another wake.
 *
 * @param failed ids of those that Temporal did not take: the sweep wakes them
 */
export async function noteWoken(
  db: Database,
  integrationId: string,
  woken: readonly OnboardingToWake[],
  failed: readonly string[],
): Promise<void> {
  await db.transaction(async (tx) => {
    await tx
      .update(processes)
      .set({ dueAt: sql`now()` })
      .where(
        and(
          eq(processes.kind, 'onboardCustomer'),
          among(
            processes.id,
            failed.map((vendorAccountId) => onboardingId({ integrationId, vendorAccountId })),
          ),
        ),
      );
    await tx.execute(sql`
      update onboarding o set to_wake = false
        from jsonb_to_recordset(${JSON.stringify(woken)}::jsonb) as r(id text, version bigint)
        join process p on p.kind = 'onboardCustomer' and p.id = ${integrationId} || '/' || r.id and p.version = r.version
       where o.integration_id = ${integrationId}::uuid and o.vendor_account_id = r.id`);
  });
}

/**
 * Nobody has mapped the customer yet: that is noted, and the next reminder set.
 *
 * @param remindMs milliseconds until the next one
 * @param escalateMs milliseconds since it was found after which it is a problem
 * @returns whether it has become one now; undefined when nobody has to be reminded any more
 */
export async function remindOfOnboarding(
  tx: Transaction,
  key: OnboardingKey,
  { remindMs, escalateMs }: { remindMs: number; escalateMs: number },
): Promise<{ escalated: boolean; organizationId: string } | undefined> {
  const [row] = await tx
    .select({
      organizationId: onboarding.organizationId,
      escalatedAt: onboarding.escalatedAt,
      overdue: sql<boolean>`now() - ${onboarding.foundAt} >= ${escalateMs} * interval '1 millisecond'`,
    })
    .from(onboarding)
    .where(and(ofAccounts(key.integrationId, [key.vendorAccountId]), eq(onboarding.state, 'waiting')))
    .for('update');
  if (!row) return undefined;
  const escalated = row.overdue && row.escalatedAt === null;
  await remindLater(tx, [onboardingId(key)], remindMs);
  await tx
    .update(onboarding)
    .set({
      reminders: sql`${onboarding.reminders} + 1`,
      remindedAt: sql`now()`,
      ...(escalated ? { escalatedAt: sql`now()` } : {}),
    })
    .where(ofAccounts(key.integrationId, [key.vendorAccountId]));
  return { escalated, organizationId: row.organizationId };
}

const withNames = {
  onboarding,
  name: vendorAccount.name,
  excluded: vendorAccount.excluded,
  psaAccountId: accountMapping.psaAccountId,
  how: accountMapping.how,
};

function selectOnboardings(db: Queryable) {
  return db
    .select(withNames)
    .from(onboarding)
    .innerJoin(
      vendorAccount,
      and(eq(vendorAccount.integrationId, onboarding.integrationId), eq(vendorAccount.id, onboarding.vendorAccountId)),
    )
    .leftJoin(
      accountMapping,
      and(
        eq(accountMapping.integrationId, onboarding.integrationId),
        eq(accountMapping.vendorAccountId, onboarding.vendorAccountId),
      ),
    )
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
  const [row] = await selectOnboardings(db).where(ofAccounts(key.integrationId, [key.vendorAccountId]));
  return row;
}
