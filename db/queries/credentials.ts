/** Re-encrypts stored credentials when the encryption key changes. */
import { eq, isNotNull } from 'drizzle-orm';
import type { Database } from '../client.ts';
import type { Encryption } from '../encryption.ts';
import { integration, psaConnection } from '../schema/index.ts';
import { recordAudit } from './audit.ts';

export interface Reencrypted {
  reencrypted: number;
  /** How many credentials were already encrypted with the newest key. */
  already: number;
  /** Rows whose credentials cannot be read with any of the keys; they stay as they are. */
  unreadable: { subjectKind: 'integration' | 'psa_connection'; id: string; why: string }[];
}

/**
 * Encrypts every set of credentials with the newest key, each in its own transaction, while everything runs. A request
 * that stores new credentials meanwhile waits for a moment, and the new credentials are kept.
 */
export async function reencryptCredentials(db: Database, encryption: Encryption, actor: string): Promise<Reencrypted> {
  const done: Reencrypted = { reencrypted: 0, already: 0, unreadable: [] };
  for (const [subjectKind, table] of [
    ['psa_connection', psaConnection],
    ['integration', integration],
  ] as const) {
    const rows = await db.select({ id: table.id }).from(table).where(isNotNull(table.credentials));
    for (const { id } of rows) {
      const outcome = await db.transaction(async (tx) => {
        const [row] = await tx
          .select({ credentials: table.credentials, organizationId: table.organizationId })
          .from(table)
          .where(eq(table.id, id))
          .for('update');
        if (!row || row.credentials === null || encryption.isNewest(row.credentials)) return 'already';
        let plain: unknown;
        try {
          plain = encryption.decrypt(row.credentials, id);
        } catch (error) {
          return { subjectKind, id, why: error instanceof Error ? error.message : String(error) };
        }
        await tx
          .update(table)
          .set({ credentials: encryption.encrypt(plain, id) })
          .where(eq(table.id, id));
        await recordAudit(tx, row.organizationId, {
          actor,
          action: 'credentials.reencrypt',
          subjectKind,
          subjectId: id,
        });
        return 'reencrypted';
      });
      if (typeof outcome === 'string') done[outcome]++;
      else done.unreadable.push(outcome);
    }
  }
  return done;
}
