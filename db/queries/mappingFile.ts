/** Reads all mappings of an integration at once, for a mapping file. */
import { and, asc, eq } from 'drizzle-orm';
import type { Mappings } from '../../domain/mappingFile.ts';
import type { Queryable } from '../client.ts';
import { accountMapping, psaAccount, psaProduct, vendorAccount } from '../schema/index.ts';
import { isMappingOf } from './joins.ts';
import { listServices, type IntegrationRow } from './integration.ts';

export async function readMappings(
  db: Queryable,
  row: Pick<IntegrationRow, 'id' | 'psaConnectionId'>,
): Promise<Mappings> {
  const accounts = await db
    .select({
      id: vendorAccount.id,
      name: vendorAccount.name,
      excluded: vendorAccount.excluded,
      psaAccountId: accountMapping.psaAccountId,
      how: accountMapping.how,
    })
    .from(vendorAccount)
    .leftJoin(accountMapping, isMappingOf(vendorAccount.integrationId, vendorAccount.id))
    .where(and(eq(vendorAccount.integrationId, row.id), eq(vendorAccount.linked, true)))
    .orderBy(asc(vendorAccount.name), asc(vendorAccount.id));
  const psaAccounts = await db
    .select({ id: psaAccount.id, name: psaAccount.name })
    .from(psaAccount)
    .where(eq(psaAccount.psaConnectionId, row.psaConnectionId));
  const products = await db.select().from(psaProduct).where(eq(psaProduct.psaConnectionId, row.psaConnectionId));
  return { accounts, services: await listServices(db, row.id), psaAccounts, products };
}
