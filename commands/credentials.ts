/** Encrypts stored credentials anew when the encryption key changes. */
import type { Database } from '../db/client.ts';
import type { Encryption } from '../db/encryption.ts';
import {
  listWithCredentials,
  lockCredentials,
  storeEncrypted,
  type CredentialsOwner,
} from '../db/queries/credentials.ts';
import { listTokens, replaceEncrypted, tokenBoundTo } from '../db/queries/psaToken.ts';
import { audit } from './actor.ts';

/**
 * Encrypts every set of credentials with the newest key, each in its own transaction, while everything runs. A request
 * that stores new credentials meanwhile waits for a moment, and the new credentials are kept.
 *
 * @param name the actor's, for the audit
 * @returns how many were encrypted, and how many already were; `unreadable` are those that no key can read: they stay
 */
export async function reencryptCredentials(db: Database, encryption: Encryption, name: string) {
  const unreadable: (CredentialsOwner & { why: string })[] = [];
  const done = { reencrypted: 0, already: 0, unreadable };
  for (const owner of await listWithCredentials(db)) {
    const { subjectKind, id } = owner;
    await db.transaction(async (tx) => {
      const row = await lockCredentials(tx, owner);
      if (!row?.credentials || encryption.isNewest(row.credentials)) return void done.already++;
      let plain: unknown;
      try {
        plain = encryption.decrypt(row.credentials, id);
      } catch (error) {
        return void unreadable.push({ ...owner, why: error instanceof Error ? error.message : String(error) });
      }
      await storeEncrypted(tx, owner, encryption.encrypt(plain, id));
      const actor = { organizationId: row.organizationId, name };
      await audit(tx, actor, { action: 'credentials.reencrypt', subjectKind, subjectId: id });
      done.reencrypted++;
    });
  }
  await reencryptTokens(db, encryption);
  return done;
}

/** Tokens are no credentials that a person gave: one that no key can read is got anew, and none is counted. */
async function reencryptTokens(db: Database, encryption: Encryption): Promise<void> {
  for (const { psaConnectionId, token } of await listTokens(db)) {
    if (encryption.isNewest(token)) continue;
    const boundTo = tokenBoundTo(psaConnectionId);
    let plain: unknown;
    try {
      plain = encryption.decrypt(token, boundTo);
    } catch {
      continue;
    }
    await replaceEncrypted(db, { psaConnectionId, from: token, to: encryption.encrypt(plain, boundTo) });
  }
}
