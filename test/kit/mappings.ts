/** Writes mappings with which a test begins: only the rows, without the audit, cards and onboardings of `commands/`. */
import { sql } from 'drizzle-orm';
import type { Queryable } from '../../db/client.ts';
import type { MappedBy } from '../../db/queries/accountMapping.ts';
import { accountMapping, serviceMapping } from '../../db/schema/index.ts';
import type { ServiceMapping } from '../../domain/serviceMapping.ts';

export async function insertAccountMappings(
  tx: Queryable,
  integrationId: string,
  mappings: readonly { vendorAccountId: string; psaAccountId: string }[],
  how: MappedBy,
): Promise<void> {
  await tx
    .insert(accountMapping)
    .values(mappings.map((mapping) => ({ integrationId, how, ...mapping })))
    .onConflictDoUpdate({
      target: [accountMapping.integrationId, accountMapping.vendorAccountId],
      set: { psaAccountId: sql`excluded.psa_account_id`, how },
    });
}

export async function deleteAccountMapping(tx: Queryable, integrationId: string, id: string): Promise<void> {
  await tx.execute(
    sql`delete from account_mapping where integration_id = ${integrationId} and vendor_account_id = ${id}`,
  );
}

export async function storeServiceMapping(
  tx: Queryable,
  integrationId: string,
  serviceId: string,
  mapping: ServiceMapping,
): Promise<void> {
  await tx
    .insert(serviceMapping)
    .values({ integrationId, serviceId, ...mapping })
    .onConflictDoUpdate({ target: [serviceMapping.integrationId, serviceMapping.serviceId], set: mapping });
}

export async function deleteServiceMapping(tx: Queryable, integrationId: string, serviceId: string): Promise<void> {
  await tx.execute(
    sql`delete from service_mapping where integration_id = ${integrationId} and service_id = ${serviceId}`,
  );
}
