/** Stored credentials, encrypted; commands/credentials.ts encrypts them anew when the encryption key changes. */
import { eq, isNotNull } from 'drizzle-orm';
import type { Queryable, Transaction } from '../client.ts';
import { integration, psaConnection } from '../schema/index.ts';

const tables = { psa_connection: psaConnection, integration };

/** A row that holds credentials. */
export interface CredentialsOwner {
  of: keyof typeof tables;
  id: string;
}

/** Lists the rows that hold credentials. */
export async function listWithCredentials(db: Queryable): Promise<CredentialsOwner[]> {
  const owners: CredentialsOwner[] = [];
  for (const of of ['psa_connection', 'integration'] as const) {
    const table = tables[of];
    const rows = await db.select({ id: table.id }).from(table).where(isNotNull(table.credentials));
    owners.push(...rows.map(({ id }) => ({ of, id })));
  }
  return owners;
}

/** Reads credentials, and locks their row until the transaction ends. */
export async function lockCredentials(tx: Transaction, { of, id }: CredentialsOwner) {
  const table = tables[of];
  const [row] = await tx
    .select({ credentials: table.credentials, organizationId: table.organizationId })
    .from(table)
    .where(eq(table.id, id))
    .for('update');
  return row;
}

export async function storeEncrypted(tx: Queryable, { of, id }: CredentialsOwner, credentials: string): Promise<void> {
  await tx.update(tables[of]).set({ credentials }).where(eq(tables[of].id, id));
}
