/** Encrypts stored credentials anew when the encryption key changes. */
import type { Database, Transaction } from '../db/client.ts';
import type { Encryption } from '../db/encryption.ts';
import {
  listWithCredentials,
  lockCredentials,
  storeEncrypted,
  type CredentialsOwner,
} from '../db/queries/credentials.ts';
import { audit } from './actor.ts';

interface Unreadable {
  subjectKind: CredentialsOwner['of'];
  id: string;
  why: string;
}

export interface Reencrypted {
  reencrypted: number;
  /** How many credentials were already encrypted with the newest key. */
  already: number;
  /** Rows whose credentials cannot be read with any of the keys; they stay as they are. */
  unreadable: Unreadable[];
}

/**
 * Encrypts every set of credentials with the newest key, each in its own transaction, while everything runs. A request
 * that stores new credentials meanwhile waits for a moment, and the new credentials are kept.
 *
 * @param name of the actor, for the audit
 */
export async function reencryptCredentials(db: Database, encryption: Encryption, name: string): Promise<Reencrypted> {
  const done: Reencrypted = { reencrypted: 0, already: 0, unreadable: [] };
  for (const owner of await listWithCredentials(db)) {
    const outcome = await db.transaction((tx) => reencrypt(tx, encryption, name, owner));
    if (typeof outcome === 'string') done[outcome]++;
    else done.unreadable.push(outcome);
  }
  return done;
}

async function reencrypt(
  tx: Transaction,
  encryption: Encryption,
  name: string,
  owner: CredentialsOwner,
): Promise<'reencrypted' | 'already' | Unreadable> {
  const row = await lockCredentials(tx, owner);
  if (!row || row.credentials === null || encryption.isNewest(row.credentials)) return 'already';
  let plain: unknown;
  try {
    plain = encryption.decrypt(row.credentials, owner.id);
  } catch (error) {
    return { subjectKind: owner.of, id: owner.id, why: error instanceof Error ? error.message : String(error) };
  }
  await storeEncrypted(tx, owner, encryption.encrypt(plain, owner.id));
  const subject = { subjectKind: owner.of, subjectId: owner.id };
  await audit(tx, { organizationId: row.organizationId, name }, { action: 'credentials.reencrypt', ...subject });
  return 'reencrypted';
}
