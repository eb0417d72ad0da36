/** Stored credentials, encrypted; commands/credentials.ts encrypts them anew when the encryption key changes. */
import { eq, isNotNull } from 'drizzle-orm';
import type { Queryable, Transaction } from '../client.ts';
import { integration, psaConnection } from '../schema/index.ts';

const tables = { psa_connection: psaConnection, integration };

/** A row that holds credentials. */
export interface CredentialsOwner {
  subjectKind: keyof typeof tables;
  id: string;
}

export async function listWithCredentials(db: Queryable): Promise<CredentialsOwner[]> {
  const listIn = async (subjectKind: keyof typeof tables) => {
    const table = tables[subjectKind];
    const rows = await db.select({ id: table.id }).from(table).where(isNotNull(table.credentials));
    return rows.map(({ id }) => ({ subjectKind, id }));
  };
  return [...(await listIn('psa_connection')), ...(await listIn('integration'))];
}

/** Reads credentials, and locks their row until the transaction ends. */
export async function lockCredentials(tx: Transaction, { subjectKind, id }: CredentialsOwner) {
  const table = tables[subjectKind];
  const { credentials, organizationId } = table;
  const [row] = await tx.select({ credentials, organizationId }).from(table).where(eq(table.id, id)).for('update');
  return row;
}

export async function storeEncrypted(tx: Queryable, owner: CredentialsOwner, credentials: string): Promise<void> {
  const table = tables[owner.subjectKind];
  await tx.update(table).set({ credentials }).where(eq(table.id, owner.id));
}
