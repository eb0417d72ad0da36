/** Keeps a connection's token in PostgreSQL, encrypted, for all workers. */
import { z } from 'zod';
import type { Token, TokenStore } from '../connectors/tokens.ts';
import type { Database } from '../db/client.ts';
import type { Encryption } from '../db/encryption.ts';
import { claimToken, readToken, releaseToken, storeToken, tokenBoundTo } from '../db/queries/psaToken.ts';

const tokenSchema = z.object({ access: z.string(), renewAt: z.number(), refresh: z.string().optional() });

export function createTokenStore(db: Database, encryption: Encryption, psaConnectionId: string): TokenStore {
  const boundTo = tokenBoundTo(psaConnectionId);
  const decrypt = (text: string): Token => {
    try {
      const { refresh, ...token } = tokenSchema.parse(encryption.decrypt(text, boundTo));
      return { ...token, ...(refresh === undefined ? {} : { refresh }) };
    } catch {
      // Its key is no longer among ENCRYPTION_KEYS: then the credentials are given again.
      return { access: '', renewAt: 0 };
    }
  };
  return {
    async read() {
      const row = await readToken(db, psaConnectionId);
      return row && { token: decrypt(row.token), generation: row.generation };
    },
    claim: async (generation, leaseMs) => claimToken(db, psaConnectionId, { generation, leaseMs }),
    async store(replaced, token) {
      const stored = await storeToken(db, psaConnectionId, { token: encryption.encrypt(token, boundTo), replaced });
      // It is good for this process all the same.
      return { token, generation: stored ?? '' };
    },
    release: async (generation) => releaseToken(db, psaConnectionId, generation),
  };
}
