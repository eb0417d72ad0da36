/**
 * Intake push: accounts and services as the vendor sends them. The vendor's catalogue is copied per integration
 * (invariant 9).
 */
import { and, asc, eq, like, or, sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import type { Identified } from '../../domain/idReadings.ts';
import { accountMapping, givenServiceId, service, serviceMapping, vendorAccount } from '../schema/index.ts';
import { isMappingOf, isServiceMapping } from './joins.ts';
import { among } from './among.ts';

export interface PushedThing {
  id: string;
  name?: string | undefined;
  description?: string | undefined;
  isActive?: boolean | undefined;
  isArrears?: boolean | undefined;
}

/**
 * SQL parts by which accounts and dynamic services are changed in the same way; their table must have the alias `t`.
 */
const changeable = {
  accounts: {
    table: sql`vendor_account`,
    flag: sql`linked`,
    again: sql`, linked = true, missing_since = null`,
    also: sql`, linked = true`,
    only: sql`true`,
  },
  services: { table: sql`service`, flag: sql`dynamic`, again: sql``, also: sql``, only: sql`t.dynamic` },
};
export type PushedKind = keyof typeof changeable;

const thingColumns = sql`(id text, name text, description text, "isActive" boolean, "isArrears" boolean)`;

/**
 * Creates linked accounts or dynamic services, or updates those that exist; a SKU with the same id stays unchanged.
 * Absent fields stay unchanged.
 *
 * @param things accounts or services, each id once
 * @returns the ids that were created
 */
export async function putThings(
  tx: Queryable,
  kind: PushedKind,
  integrationId: string,
  things: readonly (PushedThing & { name: string })[],
): Promise<string[]> {
  const { table, flag, again, only } = changeable[kind];
  const { rows } = await tx.execute<{ id: string; created: boolean }>(sql`
    insert into ${table} as t (integration_id, id, name, description, ${flag}, is_active, is_arrears)
    select ${integrationId}::uuid, r.id, r.name, coalesce(r.description, ''), true, coalesce(r."isActive", true),
           coalesce(r."isArrears", false)
      from jsonb_to_recordset(${JSON.stringify(things)}::jsonb) as r${thingColumns}
     order by r.id
    on conflict (integration_id, id) do update set name = excluded.name ${again} where ${only}
    returning id, xmax = 0 as created`);
  await writeGiven(tx, kind, integrationId, things);
  return rows.filter((row) => row.created).map(({ id }) => id);
}

/**
 * Changes existing accounts or dynamic services.
 *
 * @param things accounts or services, each id once
 * @returns the first id that belongs to no account, or to no dynamic service, and then nothing is changed
 */
export async function changeThings(
  tx: Queryable,
  kind: PushedKind,
  integrationId: string,
  things: readonly PushedThing[],
): Promise<string | undefined> {
  const { table, only } = changeable[kind];
  // `putThings` and this function lock rows in the same order, so that two lists at once do not wait for each other.
  const { rows } = await tx.execute<{ id: string }>(sql`
    select t.id from ${table} t
     where t.integration_id = ${integrationId} and ${only}
       and t.id in (select jsonb_array_elements_text(${JSON.stringify(things.map(({ id }) => id))}::jsonb))
     order by t.id for update`);
  const known = new Set(rows.map(({ id }) => id));
  const unknown = things.find(({ id }) => !known.has(id));
  if (!unknown) await writeGiven(tx, kind, integrationId, things);
  return unknown?.id;
}

/** Updates any number of rows in one statement: ten thousand single statements take longer than a caller waits. */
async function writeGiven(
  tx: Queryable,
  kind: PushedKind,
  integrationId: string,
  things: readonly PushedThing[],
): Promise<void> {
  const { table, also, only } = changeable[kind];
  // Right after a table is filled, its statistics say that it is empty: a nested loop would compare each row with each
  // (seen once: 50 s for two lists of ten thousand).
  await tx.execute(sql`set local enable_nestloop = off`);
  await tx.execute(sql`
    update ${table} t
       set name = coalesce(r.name, t.name), description = coalesce(r.description, t.description),
           is_active = coalesce(r."isActive", t.is_active), is_arrears = coalesce(r."isArrears", t.is_arrears) ${also}
      from jsonb_to_recordset(${JSON.stringify(things)}::jsonb) as r${thingColumns}
     where t.integration_id = ${integrationId} and t.id = r.id and ${only}`);
}

/** Lists the services that one of these readings may mean: by id, by the id that Countersign gave them, or by name. */
export async function listIdentified(
  db: Queryable,
  integrationId: string,
  readings: readonly string[],
): Promise<Required<Identified>[]> {
  const given = givenServiceId(service.id);
  const all = [...new Set(readings)];
  return db
    .select({ id: service.id, givenId: given, name: service.name })
    .from(service)
    .where(
      and(
        eq(service.integrationId, integrationId),
        or(among(service.id, all), among(given, all), among(service.name, all)),
      ),
    );
}

/** Lists those of these readings that are ids of accounts, or of dynamic services. */
export async function listKnownIds(
  db: Queryable,
  kind: PushedKind,
  integrationId: string,
  readings: readonly string[],
): Promise<{ id: string }[]> {
  const table = kind === 'accounts' ? vendorAccount : service;
  return db
    .select({ id: table.id })
    .from(table)
    .where(
      and(
        eq(table.integrationId, integrationId),
        among(table.id, readings),
        kind === 'services' ? eq(service.dynamic, true) : undefined,
      ),
    );
}

/** Lists the ids of accounts, or of services, that contain a comma. */
export async function listIdsWithComma(db: Queryable, kind: PushedKind, integrationId: string): Promise<string[]> {
  const table = kind === 'accounts' ? vendorAccount : service;
  const rows = await db
    .select({ id: table.id })
    .from(table)
    .where(and(eq(table.integrationId, integrationId), like(table.id, '%,%')));
  return rows.map(({ id }) => id);
}

/** Lists linked accounts with their mappings. @param ids only these accounts; undefined = all */
export async function listPushedAccounts(db: Queryable, integrationId: string, ids?: readonly string[]) {
  return db
    .select({
      id: vendorAccount.id,
      name: vendorAccount.name,
      description: vendorAccount.description,
      isActive: vendorAccount.isActive,
      isArrears: vendorAccount.isArrears,
      mappingId: accountMapping.psaAccountId,
    })
    .from(vendorAccount)
    .leftJoin(accountMapping, isMappingOf(vendorAccount.integrationId, vendorAccount.id))
    .where(
      and(
        eq(vendorAccount.integrationId, integrationId),
        eq(vendorAccount.linked, true),
        ids ? among(vendorAccount.id, ids) : undefined,
      ),
    )
    .orderBy(asc(vendorAccount.id));
}

export interface PushedSku {
  name: string;
  description: string;
  category: string;
  subcategory: string;
  supportArticle?: string | undefined;
  supportContact?: string | undefined;
}

/**
 * Adds a SKU under its name. Vendors use the name as the SKU's key (although the API gives them another id,
 * `givenServiceId`), and a vendor whose intake is `pull` reports the service by this name, so that the SKU is the same
 * service in both intakes. An existing SKU of that name keeps its id and takes the new values. A dynamic service that
 * has the id becomes the SKU and keeps its mapping: a vendor looks for the service that it has created among the SKUs.
 */
export async function putSku(tx: Queryable, integrationId: string, sku: PushedSku & { id: string }): Promise<void> {
  const [existing] = await tx
    .select({ id: service.id })
    .from(service)
    .where(and(eq(service.integrationId, integrationId), eq(service.name, sku.name), eq(service.dynamic, false)));
  const { id: _, ...rest } = sku;
  const columns = {
    ...rest,
    supportArticle: sku.supportArticle ?? null,
    supportContact: sku.supportContact ?? null,
    dynamic: false,
  };
  await tx
    .insert(service)
    .values({ integrationId, ...columns, id: existing?.id ?? sku.id })
    .onConflictDoUpdate({ target: [service.integrationId, service.id], set: columns });
}

/** Lists the vendor's SKUs, or (`dynamic`) the services that belong to this organization only. */
export async function listPushedServices(
  db: Queryable,
  integrationId: string,
  filter: { dynamic: boolean; ids?: readonly string[] | undefined },
) {
  return db
    .select({ service, givenId: givenServiceId(service.id), productIds: serviceMapping.productIds })
    .from(service)
    .leftJoin(serviceMapping, isServiceMapping(service.integrationId, service.id))
    .where(
      and(
        eq(service.integrationId, integrationId),
        eq(service.dynamic, filter.dynamic),
        filter.ids ? among(service.id, filter.ids) : undefined,
      ),
    )
    .orderBy(asc(service.id));
}
