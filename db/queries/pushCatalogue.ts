/** Intake push: accounts and services as the vendor tells them. Its catalogue is copied per integration (invariant 9). */
import { and, asc, eq, inArray, sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { accountMapping, service, serviceMapping, vendorAccount } from '../schema/index.ts';

export interface PushedThing {
  id: string;
  name?: string | undefined;
  description?: string | undefined;
  isActive?: boolean | undefined;
  isArrears?: boolean | undefined;
}

/** Creates accounts, linked, or updates those that are there. What is absent stays as it is. */
export async function putAccounts(
  tx: Queryable,
  integrationId: string,
  accounts: readonly (PushedThing & { name: string })[],
): Promise<void> {
  await tx.execute(sql`
    insert into vendor_account as a (integration_id, id, name, description, linked, is_active, is_arrears)
    select ${integrationId}::uuid, r.id, r.name, coalesce(r.description, ''), true, coalesce(r."isActive", true),
           coalesce(r."isArrears", false)
      from jsonb_to_recordset(${JSON.stringify(accounts)}::jsonb)
           as r(id text, name text, description text, "isActive" boolean, "isArrears" boolean)
    on conflict (integration_id, id) do update
       set name = excluded.name, linked = true, missing_since = null,
           description = coalesce(nullif(excluded.description, ''), a.description)`);
}

/** @returns false when there is no such account */
export async function changeAccount(tx: Queryable, integrationId: string, change: PushedThing): Promise<boolean> {
  const { id, ...columns } = change;
  const rows = await tx
    .update(vendorAccount)
    .set({ ...given(columns), linked: true })
    .where(and(eq(vendorAccount.integrationId, integrationId), eq(vendorAccount.id, id)))
    .returning({ id: vendorAccount.id });
  return rows.length > 0;
}

/** @param ids these, or undefined = all */
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
    .leftJoin(
      accountMapping,
      and(
        eq(accountMapping.integrationId, vendorAccount.integrationId),
        eq(accountMapping.vendorAccountId, vendorAccount.id),
      ),
    )
    .where(
      and(
        eq(vendorAccount.integrationId, integrationId),
        eq(vendorAccount.linked, true),
        ids ? inArray(vendorAccount.id, [...ids]) : undefined,
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

/** Adds a SKU under its name, which vendors use as its key; one of that name keeps its id and takes what is new. */
export async function putSku(tx: Queryable, integrationId: string, sku: PushedSku & { id: string }): Promise<void> {
  const [existing] = await tx
    .select({ id: service.id })
    .from(service)
    .where(and(eq(service.integrationId, integrationId), eq(service.name, sku.name)));
  const { id: _, ...rest } = sku;
  const columns = {
    ...rest,
    supportArticle: sku.supportArticle ?? null,
    supportContact: sku.supportContact ?? null,
  };
  await tx
    .insert(service)
    .values({ integrationId, ...columns, id: existing?.id ?? sku.id })
    .onConflictDoUpdate({ target: [service.integrationId, service.id], set: columns });
}

/** The vendor's SKUs, or (`dynamic`) services of this organization only. */
export async function listPushedServices(
  db: Queryable,
  integrationId: string,
  filter: { dynamic: boolean; ids?: readonly string[] | undefined },
) {
  return db
    .select({ service, productIds: serviceMapping.productIds })
    .from(service)
    .leftJoin(
      serviceMapping,
      and(eq(serviceMapping.integrationId, service.integrationId), eq(serviceMapping.serviceId, service.id)),
    )
    .where(
      and(
        eq(service.integrationId, integrationId),
        eq(service.dynamic, filter.dynamic),
        filter.ids ? inArray(service.id, [...filter.ids]) : undefined,
      ),
    )
    .orderBy(asc(service.id));
}

/** Creates dynamic services or updates those that are there; a SKU of that id is left as it is. */
export async function putDynamicServices(
  tx: Queryable,
  integrationId: string,
  services: readonly (PushedThing & { name: string })[],
): Promise<void> {
  await tx.execute(sql`
    insert into service as s (integration_id, id, name, description, dynamic, is_active, is_arrears)
    select ${integrationId}::uuid, r.id, r.name, coalesce(r.description, ''), true, coalesce(r."isActive", true),
           coalesce(r."isArrears", false)
      from jsonb_to_recordset(${JSON.stringify(services)}::jsonb)
           as r(id text, name text, description text, "isActive" boolean, "isArrears" boolean)
    on conflict (integration_id, id) do update
       set name = excluded.name, description = coalesce(nullif(excluded.description, ''), s.description)
     where s.dynamic`);
}

/** @returns false when there is no such dynamic service */
export async function changeDynamicService(
  tx: Queryable,
  integrationId: string,
  change: PushedThing,
): Promise<boolean> {
  const { id, ...columns } = change;
  const rows = await tx
    .update(service)
    .set({ ...given(columns), dynamic: true })
    .where(and(eq(service.integrationId, integrationId), eq(service.id, id), eq(service.dynamic, true)))
    .returning({ id: service.id });
  return rows.length > 0;
}

function given<T extends object>(columns: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined)) as never;
}
