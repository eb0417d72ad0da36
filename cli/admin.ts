/**
 * `npm run admin -- init|token|key|reencrypt`: creates what must exist before the API can be used, and manages the
 * encryption keys.
 *
 *   init [--organization NAME]   the first organization and an admin token; a second call creates neither again
 *   token [--scope admin]        another token for the first organization
 *   key                          a new entry for ENCRYPTION_KEYS
 *   reencrypt                    encrypts all credentials with the first of ENCRYPTION_KEYS, while everything runs
 */
import { randomBytes } from 'node:crypto';
import { openDatabase } from '../db/client.ts';
import { createEncryption } from '../db/encryption.ts';
import { reencryptCredentials } from '../db/queries/credentials.ts';
import { firstOrganization, insertOrganization, insertToken } from '../db/queries/organization.ts';
import { recordAudit } from '../db/queries/audit.ts';
import { dieQuietly } from '../logger.ts';

dieQuietly();
const [command = '', ...rest] = process.argv.slice(2);
const given = (flag: string) => (rest.includes(flag) ? rest[rest.indexOf(flag) + 1] : undefined);
const print = (answer: object) => process.stdout.write(`${JSON.stringify(answer)}\n`);

if (command === 'key') {
  print({ key: `k${Date.now().toString(36)}:${randomBytes(32).toString('base64')}` });
} else if (command === 'reencrypt') {
  const { DATABASE_URL: url, ENCRYPTION_KEYS: keys } = process.env;
  if (!url || !keys)
    throw new Error('DATABASE_URL and ENCRYPTION_KEYS are not both set: give those of api and worker.');
  const { db, close } = openDatabase(url, 1);
  try {
    const done = await reencryptCredentials(db, createEncryption(keys), 'command line');
    print(done);
    if (done.unreadable.length > 0) process.exitCode = 1;
  } finally {
    await close();
  }
} else if (command === 'init' || command === 'token') {
  const url = process.env['DATABASE_URL'];
  if (!url) throw new Error('DATABASE_URL is not set: give the PostgreSQL that Countersign uses.');
  const { db, close } = openDatabase(url, 1);
  try {
    const scope = given('--scope') ?? 'admin';
    if (!['read', 'operate', 'admin'].includes(scope)) throw new Error('The scope is read, operate or admin.');
    const known = await firstOrganization(db);
    if (command === 'token' && !known) throw new Error('There is no organization yet: run init first.');
    if (command === 'init' && known) {
      print({ organizationId: known, note: 'The organization is there already. For another token run: admin token' });
    } else {
      const token = `cs_${randomBytes(32).toString('base64url')}`;
      const organizationId = await db.transaction(async (tx) => {
        const id = known ?? (await insertOrganization(tx, given('--organization') ?? 'My MSP'));
        const tokenId = await insertToken(tx, id, {
          name: `${command} on the command line`,
          secret: token,
          scopes: [scope],
        });
        await recordAudit(tx, id, {
          actor: 'command line',
          action: `token.create`,
          subjectKind: 'api_token',
          subjectId: tokenId,
          after: { scope },
        });
        return id;
      });
      print({ organizationId, token });
    }
  } finally {
    await close();
  }
} else {
  process.stderr.write(
    'Usage: admin init [--organization NAME] | token [--scope read|operate|admin] | key | reencrypt\n',
  );
  process.exitCode = 2;
}
