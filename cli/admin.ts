/**
 * `npm run admin -- init|invite|link|token|key|reencrypt`: creates what must exist before the API can be used, lets people
 * in, and manages the encryption keys.
 *
 *   init [--organization NAME]   the first organization and an admin token; a second call creates neither again
 *   invite --email E --role R    a link by which somebody becomes a member of the first organization, as the first admin does
 *   link --email E               a link that signs a member in once, within half an hour; for a password that is forgotten.
 *                                With --name N and --role R it makes the member if there is none
 *   token [--scope admin]        another token for the first organization
 *   key                          a new entry for ENCRYPTION_KEYS
 *   reencrypt                    encrypts all credentials with the first of ENCRYPTION_KEYS, while everything runs
 */
import { randomBytes } from 'node:crypto';
import type { Actor } from '../commands/actor.ts';
import { invite } from '../commands/invitation.ts';
import { makeSignInLink } from '../commands/signIn.ts';
import { createToken } from '../commands/token.ts';
import { openDatabase, type Database } from '../db/client.ts';
import { createEncryption } from '../db/encryption.ts';
import { reencryptCredentials } from '../commands/credentials.ts';
import { firstOrganization, insertOrganization } from '../db/queries/organization.ts';
import { joinLink, signInLink } from '../domain/links.ts';
import { roles, type Role } from '../domain/roles.ts';
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
    const wanted = given('--scope') ?? 'admin';
    const scope = (['read', 'operate', 'admin'] as const).find((each) => each === wanted);
    if (scope === undefined) throw new Error('The scope is read, operate or admin.');
    const known = await firstOrganization(db);
    if (command === 'token' && !known) throw new Error('There is no organization yet: run init first.');
    if (command === 'init' && known) {
      print({ organizationId: known, note: 'The organization is there already. For another token run: admin token' });
    } else {
      const made = await db.transaction(async (tx) => {
        const organizationId = known ?? (await insertOrganization(tx, given('--organization') ?? 'My MSP'));
        const actor = { organizationId, name: 'command line' };
        const named = { name: `${command} on the command line`, scope, lifeDays: null };
        return { organizationId, token: (await createToken(tx, actor, named)).secret };
      });
      print(made);
    }
  } finally {
    await close();
  }
} else if (command === 'invite' || command === 'link') {
  const url = process.env['DATABASE_URL'];
  if (!url) throw new Error('DATABASE_URL is not set: give the PostgreSQL that Countersign uses.');
  const { db, close } = openDatabase(url, 1);
  try {
    print({ link: command === 'invite' ? await invitationLink(db) : await oneTimeLink(db) });
  } finally {
    await close();
  }
} else {
  process.stderr.write(
    'Usage: admin init [--organization NAME] | invite --email E --role viewer|operator|admin | link --email E [--name N --role R]' +
      ' | token [--scope read|operate|admin] | key | reencrypt\n',
  );
  process.exitCode = 2;
}

async function invitationLink(db: Database): Promise<string> {
  const invitee = { email: email(), role: role() };
  const actor = await asOperator(db);
  const { secret } = await db.transaction((tx) => invite(tx, actor, invitee));
  return joinLink(consoleAddress(), secret);
}

async function oneTimeLink(db: Database): Promise<string> {
  const name = given('--name');
  const input = { email: email(), ...(name === undefined ? {} : { ifMissing: { name, role: role() } }) };
  const actor = await asOperator(db);
  const { secret } = await db.transaction((tx) => makeSignInLink(tx, actor, input));
  return signInLink(consoleAddress(), secret);
}

async function asOperator(db: Database): Promise<Actor> {
  const organizationId = await firstOrganization(db);
  if (organizationId === undefined) throw new Error('There is no organization yet: run init first.');
  return { organizationId, name: 'command line' };
}

function email(): string {
  const address = given('--email')?.toLowerCase() ?? '';
  if (!/^[^\s@]+@[^\s@]+$/.test(address)) throw new Error('Give the e-mail of the person: --email ada@example.com');
  return address;
}

function role(): Role {
  const named = roles.find((each) => each === given('--role'));
  if (named === undefined) throw new Error(`Give the role: --role ${roles.join('|')}`);
  return named;
}

/** Where people open the console, for the links. */
function consoleAddress(): string {
  const { PUBLIC_URL, API_PORT } = process.env;
  return new URL(PUBLIC_URL || `http://127.0.0.1:${API_PORT || 8080}`).origin;
}
