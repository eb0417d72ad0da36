/** Encrypts credentials at rest: AES-256-GCM, 12-byte random IV, the row's id as additional data, the key's id as a prefix. */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

export interface Encryption {
  /** @param rowId binds the text to its row: if it is copied into another row, it does not decrypt */
  encrypt(plain: unknown, rowId: string): string;
  /** @throws Error when the key is unknown, or the text was made for another row or altered. */
  decrypt(text: string, rowId: string): unknown;
  /** Whether the text was encrypted with the newest key, which encrypts now. */
  isNewest(text: string): boolean;
}

/**
 * @param keys `id:base64 of 32 bytes`, comma separated, newest first; the first key encrypts, all keys decrypt
 */
export function createEncryption(keys: string): Encryption {
  const byId = new Map(
    keys.split(',').map((entry) => {
      const [id = '', key = ''] = entry.split(':');
      return [id, Buffer.from(key, 'base64')] as const;
    }),
  );
  const [newest] = byId;
  if (!newest || newest[1].length !== 32) throw new Error('ENCRYPTION_KEYS holds no key of 32 bytes.');
  return {
    encrypt(plain, rowId) {
      const iv = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', newest[1], iv).setAAD(Buffer.from(rowId));
      const body = Buffer.concat([cipher.update(JSON.stringify(plain), 'utf8'), cipher.final()]);
      return `${newest[0]}:${Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64')}`;
    },
    decrypt(text, rowId) {
      const [id = '', packed = ''] = text.split(':');
      const key = byId.get(id);
      if (!key) throw new Error(`Encryption key "${id}" is not in ENCRYPTION_KEYS; add it to read what it encrypted.`);
      const bytes = Buffer.from(packed, 'base64');
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12))
        .setAAD(Buffer.from(rowId))
        .setAuthTag(bytes.subarray(12, 28));
      return JSON.parse(Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8'));
    },
    isNewest: (text) => text.startsWith(`${newest[0]}:`),
  };
}

/** The SHA-256 in hex, as which keys and tokens of 256 random bits are stored. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
