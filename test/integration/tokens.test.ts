/** The token of a connection that all workers share: each replaces it once, and PostgreSQL holds it encrypted. */
import { randomBytes, randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSecrets } from '../../connectors/secrets.ts';
import { createTokens, type Token } from '../../connectors/tokens.ts';
import { createEncryption } from '../../db/encryption.ts';
import { insertPsaConnection, storePsaCredentials } from '../../db/queries/psaConnection.ts';
import { organization } from '../../db/schema/index.ts';
import { reencryptCredentials } from '../../commands/credentials.ts';
import { createTokenStore } from '../../worker/tokenStore.ts';
import { createTestDatabase, type TestDatabase } from '../kit/database.ts';

const newKey = (id: string) => `${id}:${randomBytes(32).toString('base64')}`;
const oldKey = newKey('old');
const encryption = createEncryption(oldKey);
const id = randomUUID();

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  const [owner] = await database.db.insert(organization).values({ name: 'Tokens' }).returning();
  await database.db.transaction(async (tx) =>
    insertPsaConnection(tx, owner?.id ?? '', {
      id,
      kind: 'connectwise',
      name: 'PSA',
      settings: {},
      credentials: encryption.encrypt({}, id),
    }),
  );
});
afterAll(() => database?.close());

/** The PSA: each refresh token is good once, and a token is worth something until the next one is given. */
function psa() {
  const used: (string | undefined)[] = [];
  let good: string | undefined;
  return {
    used,
    async signIn(refresh: string | undefined): Promise<Token> {
      used.push(refresh);
      if (refresh !== undefined && refresh !== good) throw new Error(`${refresh} was used before.`);
      good = `secret-refresh-${used.length}`;
      await new Promise((resolve) => void setTimeout(resolve, 20));
      return { access: `secret-access-${used.length}`, renewAt: Date.now() + 3_600_000, refresh: good };
    },
  };
}

const workerOf = (of: ReturnType<typeof psa>, keys = encryption) =>
  createTokens({
    identity: 'a',
    secrets: createSecrets([]),
    store: createTokenStore(database.db, keys, id),
    timeoutMs: 5_000,
    signIn: async (refresh) => of.signIn(refresh),
  });

const stored = async () =>
  (
    await database.db.execute<{ token: string | null }>(
      sql`select token from psa_token where psa_connection_id = ${id}`,
    )
  ).rows[0]?.token;

test('two workers replace a token once between them, each time; new credentials begin anew, another key reads on', async () => {
  const outside = psa();
  const two = [workerOf(outside), workerOf(outside)];
  for (let round = 0; round < 4; round++) {
    const taken = await Promise.all(two.flatMap((each) => [each.take(), each.take()]));
    const [first] = taken;
    expect(new Set(taken.map(({ access }) => access)).size).toBe(1);
    for (const each of two) each.ended(first?.access ?? '');
  }
  expect(outside.used).toEqual([undefined, 'secret-refresh-1', 'secret-refresh-2', 'secret-refresh-3']);
  expect(await stored()).toMatch(/^old:/);
  expect(Buffer.from((await stored())?.split(':')[1] ?? '', 'base64').toString('latin1')).not.toContain('secret');

  const both = createEncryption(`${newKey('new')},${oldKey}`);
  await reencryptCredentials(database.db, both, 'test');
  expect(await stored()).toMatch(/^new:/);
  expect((await createTokenStore(database.db, both, id).read())?.token.refresh).toBe('secret-refresh-4');
  // A worker whose keys do not have the newest one cannot read it, and gives the credentials again.
  await workerOf(outside).take();
  expect(outside.used.at(-1)).toBeUndefined();

  await storePsaCredentials(database.db, id, encryption.encrypt({}, id), null);
  expect(await stored()).toBeUndefined();
  await workerOf(outside).take();
  expect(outside.used.at(-1)).toBeUndefined();
});

test('a worker that died while it signed in keeps nobody from it for long', async () => {
  await storePsaCredentials(database.db, id, encryption.encrypt({}, id), null);
  const store = createTokenStore(database.db, encryption, id);
  expect(await store.claim(undefined, 300)).toBe(true);
  expect(await store.claim(undefined, 300)).toBe(false);
  expect((await workerOf(psa()).take()).access).toBe('secret-access-1');
});
