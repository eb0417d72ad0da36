import { and, asc, eq, gt, isNull, sql } from 'drizzle-orm';
import { skippedConnectSteps } from '../../domain/process/steps.ts';
import type { Queryable, Transaction } from '../client.ts';
import {
  accountMapping,
  givenServiceId,
  integration,
  service,
  serviceMapping,
  vendorAccount,
} from '../schema/index.ts';
import { isMappingOf, isServiceMapping } from './joins.ts';
import { among } from './among.ts';
import { createProcess, startRound } from './process.ts';

export type IntegrationRow = typeof integration.$inferSelect;

export async function findIntegration(
  db: Queryable,
  organizationId: string,
  id: string,
): Promise<IntegrationRow | undefined> {
  const [row] = await db
    .select()
    .from(integration)
    .where(and(eq(integration.organizationId, organizationId), eq(integration.id, id)));
  return row;
}

/** Reads an integration by its id alone, for activities, which hold only the id of their own process. */
export async function readIntegration(db: Queryable, id: string): Promise<IntegrationRow> {
  const [row] = await db.select().from(integration).where(eq(integration.id, id));
  if (!row) throw new Error(`There is no integration ${id}.`);
  return row;
}

/**
 * Locks an integration until the transaction ends: no other transaction can change it or add an alert to it.
 *
 * @returns its row
 */
export async function lockIntegration(tx: Transaction, id: string): Promise<IntegrationRow | undefined> {
  const [row] = await tx.select().from(integration).where(eq(integration.id, id)).for('update');
  return row;
}

/** Creates the integration with its `connect` and `sync` processes; `connect`'s first round begins at once. */
export async function insertIntegration(
  tx: Transaction,
  organizationId: string,
  row: Pick<IntegrationRow, 'psaConnectionId' | 'vendor' | 'intake' | 'modules' | 'settings'> & {
    services: readonly { id: string; name: string; description: string }[];
  },
): Promise<IntegrationRow> {
  const { services, ...columns } = row;
  const [created] = await tx
    .insert(integration)
    .values({ ...columns, organizationId })
    .returning();
  if (!created) throw new Error('The integration was not stored.');
  if (services.length > 0) {
    await tx.insert(service).values(services.map((entry) => ({ integrationId: created.id, ...entry })));
  }
  const of = { id: created.id, integrationId: created.id };
  await createProcess(tx, organizationId, { kind: 'connect', ...of });
  await startRound(tx, { kind: 'connect', id: created.id, round: '1' }, skippedConnectSteps(created));
  await createProcess(tx, organizationId, { kind: 'sync', ...of });
  return created;
}

export async function storeVendorCredentials(
  tx: Queryable,
  id: string,
  given: { credentials: string; expireOn: string | null; settings: Record<string, unknown> },
): Promise<void> {
  await tx
    .update(integration)
    .set({
      credentials: given.credentials,
      credentialsAt: sql`now()`,
      credentialsExpireOn: given.expireOn,
      settings: sql`${integration.settings} || ${JSON.stringify(given.settings)}::jsonb`,
    })
    .where(eq(integration.id, id));
}

/**
 * Disconnects an integration: nothing is read or counted any more, and the credentials are deleted. People's decisions
 * stay.
 *
 * @returns false when the integration was already disconnected
 */
export async function disconnectIntegration(tx: Queryable, id: string): Promise<boolean> {
  const rows = await tx
    .update(integration)
    .set({ disconnectedAt: sql`now()`, credentials: null, credentialsAt: null, credentialsExpireOn: null })
    .where(and(eq(integration.id, id), isNull(integration.disconnectedAt)))
    .returning({ id: integration.id });
  return rows.length > 0;
}

/**
 * Reconnects a disconnected integration. Earlier counts may be out of date, so they make no cards until they are
 * counted again.
 */
export async function restoreIntegration(tx: Queryable, id: string): Promise<void> {
  await tx
    .update(integration)
    .set({ disconnectedAt: null, countsFrom: sql`now()`, pushStatus: 'inactive' })
    .where(eq(integration.id, id));
}

export async function storeModules(tx: Queryable, id: string, modules: IntegrationRow['modules']): Promise<void> {
  await tx.update(integration).set({ modules }).where(eq(integration.id, id));
}

export async function storeAlertSettings(tx: Queryable, id: string, alerts: IntegrationRow['alerts']): Promise<void> {
  await tx.update(integration).set({ alerts }).where(eq(integration.id, id));
}

/** @param reminders null = as the installation's settings say */
export async function storeReminders(tx: Queryable, id: string, reminders: IntegrationRow['reminders']): Promise<void> {
  await tx.update(integration).set({ reminders }).where(eq(integration.id, id));
}

export async function storeVendorName(tx: Queryable, id: string, vendorName: string): Promise<void> {
  await tx.update(integration).set({ vendorName }).where(eq(integration.id, id));
}

/** The changes that a list of the vendor's accounts reveals, as vendor account ids. */
export interface AccountChanges {
  added: string[];
  renamed: { id: string; before: string; after: string }[];
  /** Accounts that were missing in an earlier list and are listed again. */
  returned: string[];
  /** Accounts that are missing for the first time. */
  missing: string[];
}

/**
 * Stores the vendor's accounts as just listed: new accounts are added, missing accounts are marked, none is deleted.
 *
 * @param options.whole false for an incomplete list: no account counts as missing then
 */
export async function storeVendorAccounts(
  tx: Transaction,
  integrationId: string,
  accounts: readonly { id: string; name: string }[],
  { whole }: { whole: boolean } = { whole: true },
): Promise<AccountChanges> {
  const rows = JSON.stringify(accounts);
  const { rows: known } = await tx.execute<{ id: string; before: string; after: string; returned: boolean }>(sql`
    select a.id, a.name as before, r.name as after, a.missing_since is not null as returned
      from vendor_account a join jsonb_to_recordset(${rows}::jsonb) as r(id text, name text) on r.id = a.id
     where a.integration_id = ${integrationId} and (a.name is distinct from r.name or a.missing_since is not null)`);
  const { rows: written } = await tx.execute<{ id: string; added: boolean }>(sql`
    insert into vendor_account as a (integration_id, id, name)
    select ${integrationId}::uuid, r.id, r.name from jsonb_to_recordset(${rows}::jsonb) as r(id text, name text)
     order by r.id
    on conflict (integration_id, id) do update set name = excluded.name, missing_since = null, moved_to = '{}'
      where a.name is distinct from excluded.name or a.missing_since is not null
    returning id, xmax = 0 as added`);
  const { rows: missing } = await tx.execute<{ id: string }>(sql`
    update vendor_account a set missing_since = now()
     where a.integration_id = ${integrationId} and a.missing_since is null and ${whole}
       and not exists (select from jsonb_to_recordset(${rows}::jsonb) as r(id text) where r.id = a.id)
    returning a.id`);
  return {
    added: written.filter((row) => row.added).map(({ id }) => id),
    renamed: known.filter((row) => row.before !== row.after).map(({ id, before, after }) => ({ id, before, after })),
    returned: known.filter((row) => row.returned).map(({ id }) => id),
    missing: missing.map(({ id }) => id),
  };
}

/** Lists the names of these vendor accounts as last read; ids that were never read are left out. */
export async function listVendorAccountNames(
  db: Queryable,
  integrationId: string,
  ids: readonly string[],
): Promise<Map<string, string>> {
  const rows = await db
    .select({ id: vendorAccount.id, name: vendorAccount.name })
    .from(vendorAccount)
    .where(and(eq(vendorAccount.integrationId, integrationId), among(vendorAccount.id, ids)));
  return new Map(rows.map(({ id, name }) => [id, name]));
}

/** Lists the ids of the vendor accounts whose usage is read: linked and not excluded. */
export async function listLinkedAccountIds(db: Queryable, integrationId: string): Promise<string[]> {
  const rows = await db
    .select({ id: vendorAccount.id })
    .from(vendorAccount)
    .where(
      and(
        eq(vendorAccount.integrationId, integrationId),
        eq(vendorAccount.linked, true),
        eq(vendorAccount.excluded, false),
      ),
    );
  return rows.map((row) => row.id);
}

/** A page of vendor accounts with their mapping, by id. */
export async function listVendorAccounts(
  db: Queryable,
  integrationId: string,
  page: { after?: string | undefined; limit: number },
) {
  return db
    .select({
      id: vendorAccount.id,
      name: vendorAccount.name,
      linked: vendorAccount.linked,
      excluded: vendorAccount.excluded,
      missingSince: vendorAccount.missingSince,
      movedTo: vendorAccount.movedTo,
      userTypes: vendorAccount.userTypes,
      psaAccountId: accountMapping.psaAccountId,
      how: accountMapping.how,
    })
    .from(vendorAccount)
    .leftJoin(accountMapping, isMappingOf(vendorAccount.integrationId, vendorAccount.id))
    .where(
      and(eq(vendorAccount.integrationId, integrationId), page.after ? gt(vendorAccount.id, page.after) : undefined),
    )
    .orderBy(asc(vendorAccount.id))
    .limit(page.limit);
}

export async function findVendorAccount(db: Queryable, integrationId: string, id: string) {
  const [row] = await db
    .select()
    .from(vendorAccount)
    .where(and(eq(vendorAccount.integrationId, integrationId), eq(vendorAccount.id, id)));
  return row;
}

/** Lists those of the vendor accounts that are not linked. */
export async function listUnlinked(
  db: Queryable,
  integrationId: string,
  ids: readonly string[] | 'all',
): Promise<string[]> {
  const rows = await db
    .select({ id: vendorAccount.id })
    .from(vendorAccount)
    .where(
      and(
        eq(vendorAccount.integrationId, integrationId),
        eq(vendorAccount.linked, false),
        ids === 'all' ? isNull(vendorAccount.missingSince) : among(vendorAccount.id, ids),
      ),
    );
  return rows.map((row) => row.id);
}

/** Marks accounts linked. @returns the ids that exist; the caller compares them with the requested ids */
export async function linkVendorAccounts(
  tx: Queryable,
  integrationId: string,
  ids: readonly string[] | 'all',
): Promise<string[]> {
  const rows = await tx
    .update(vendorAccount)
    .set({ linked: true })
    .where(
      and(
        eq(vendorAccount.integrationId, integrationId),
        ids === 'all' ? isNull(vendorAccount.missingSince) : among(vendorAccount.id, ids),
      ),
    )
    .returning({ id: vendorAccount.id });
  return rows.map((row) => row.id);
}

/**
 * Lists the accounts among which a name match must be unique: neither missing nor excluded. Only `open` ones may be
 * mapped.
 */
export async function listMatchableAccounts(db: Queryable, integrationId: string) {
  return db
    .select({
      id: vendorAccount.id,
      name: vendorAccount.name,
      open: sql<boolean>`${vendorAccount.linked} and ${accountMapping.psaAccountId} is null`,
    })
    .from(vendorAccount)
    .leftJoin(accountMapping, isMappingOf(vendorAccount.integrationId, vendorAccount.id))
    .where(
      and(
        eq(vendorAccount.integrationId, integrationId),
        eq(vendorAccount.excluded, false),
        isNull(vendorAccount.missingSince),
      ),
    );
}

/** Lists the PSA accounts to which at least one vendor account of this integration is mapped. */
export async function listMappedPsaAccountIds(db: Queryable, integrationId: string): Promise<string[]> {
  const rows = await db
    .selectDistinct({ id: accountMapping.psaAccountId })
    .from(accountMapping)
    .where(eq(accountMapping.integrationId, integrationId));
  return rows.map((row) => row.id);
}

export async function listServices(db: Queryable, integrationId: string) {
  return db
    .select({
      id: service.id,
      givenId: givenServiceId(service.id),
      name: service.name,
      description: service.description,
      productIds: serviceMapping.productIds,
      fanOut: serviceMapping.fanOut,
      rounding: serviceMapping.rounding,
    })
    .from(service)
    .leftJoin(serviceMapping, isServiceMapping(service.integrationId, service.id))
    .where(eq(service.integrationId, integrationId))
    .orderBy(asc(service.id));
}

/**
 * Adds services that a run reported and the catalogue lacks. The catalogue is copied per integration, so that one
 * tenant's services never change another tenant's.
 */
export async function addServices(tx: Queryable, integrationId: string, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  await tx.execute(sql`
    insert into service (integration_id, id, name)
    select ${integrationId}::uuid, name, name from jsonb_array_elements_text(${JSON.stringify(names)}::jsonb) as n(name)
    on conflict do nothing`);
}

/** A page of an organization's integrations, the oldest first. @param page.after the id of the last integration before it */
export async function listIntegrations(
  db: Queryable,
  organizationId: string,
  page: { after?: string | undefined; limit: number },
): Promise<IntegrationRow[]> {
  const { createdAt, id } = integration;
  return db
    .select()
    .from(integration)
    .where(
      and(
        eq(integration.organizationId, organizationId),
        page.after
          ? sql`(${createdAt}, ${id}) > (select i.created_at, i.id from integration i where i.id = ${page.after})`
          : undefined,
      ),
    )
    .orderBy(asc(createdAt), asc(id))
    .limit(page.limit);
}

export async function findAccountMapping(db: Queryable, integrationId: string, vendorAccountId: string) {
  const [row] = await db
    .select()
    .from(accountMapping)
    .where(and(eq(accountMapping.integrationId, integrationId), eq(accountMapping.vendorAccountId, vendorAccountId)));
  return row;
}

/** How many accounts and services of an integration are mapped. */
export async function countMappings(
  db: Queryable,
  integrationId: string,
): Promise<{ accounts: number; services: number }> {
  const accounts = await db.$count(accountMapping, eq(accountMapping.integrationId, integrationId));
  const services = await db.$count(serviceMapping, eq(serviceMapping.integrationId, integrationId));
  return { accounts, services };
}

export function countLinked(db: Queryable, integrationId: string): Promise<number> {
  return db.$count(vendorAccount, and(eq(vendorAccount.integrationId, integrationId), eq(vendorAccount.linked, true)));
}
