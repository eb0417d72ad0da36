/**
 * `npm run admin -- init|organization|invite|link|token|key|reencrypt`: creates what must exist before the API can be used,
 * lets people in, and manages the encryption keys.
 *
 *   init [--organization NAME]   the first organization and an admin token; a second call creates neither again
 *   organization --name NAME     a further organization and an admin token for it; no name is taken twice
 *   invite --email E --role R    a link by which somebody becomes a member of an organization, as its first admin does
 *   link --email E               a link that signs a member in once, within half an hour; for a password that is forgotten.
 *                                With --name N and --role R it makes the member if there is none
 *   token [--scope admin]        another token for an organization
 *   key                          a new entry for ENCRYPTION_KEYS
 *   reencrypt                    encrypts all credentials with the first of ENCRYPTION_KEYS, while everything runs
 *
 * `invite`, `link` and `token` are for the first organization, or for the one that `--organization` names by its id or name.
 */
import { randomBytes } from 'node:crypto';
import { audit, type Actor } from '../commands/actor.ts';
import { invite } from '../commands/invitation.ts';
import { makeSignInLink } from '../commands/signIn.ts';
import { createToken } from '../commands/token.ts';
import { openDatabase, type Database, type Queryable, type Transaction } from '../db/client.ts';
import { createEncryption } from '../db/encryption.ts';
import { reencryptCredentials } from '../commands/credentials.ts';
import { findOrganizations, firstOrganization, insertOrganization } from '../db/queries/organization.ts';
import { joinLink, signInLink } from '../domain/links.ts';
import { roles, type Role } from '../domain/roles.ts';
import { dieQuietly } from '../logger.ts';
import { UsageError } from '../usageError.ts';

dieQuietly();
const [command = '', ...rest] = process.argv.slice(2);
const given = (flag: string) => (rest.includes(flag) ? rest[rest.indexOf(flag) + 1] : undefined);
const print = (answer: object) => process.stdout.write(`${JSON.stringify(answer)}\n`);

if (command === 'key') {
  print({ key: `k${Date.now().toString(36)}:${randomBytes(32).toString('base64')}` });
} else if (command === 'reencrypt') {
  const { DATABASE_URL: url, ENCRYPTION_KEYS: keys } = process.env;
  if (!url || !keys)
    throw new UsageError('DATABASE_URL and ENCRYPTION_KEYS are not both set: give those of api and worker.');
  const { db, close } = openDatabase(url, 1);
  try {
    const done = await reencryptCredentials(db, createEncryption(keys), 'command line');
    print(done);
    if (done.unreadable.length > 0) process.exitCode = 1;
  } finally {
    await close();
  }
} else if (['init', 'organization', 'token', 'invite', 'link'].includes(command)) {
  const url = process.env['DATABASE_URL'];
  if (!url) throw new UsageError('DATABASE_URL is not set: give the PostgreSQL that Countersign uses.');
  const { db, close } = openDatabase(url, 1);
  try {
    if (command === 'init') print(await firstOrganizationAndToken(db));
    else if (command === 'organization') print(await furtherOrganization(db));
    else if (command === 'token') print(await withToken(db, async (tx) => (await asOperator(tx)).organizationId));
    else print({ link: command === 'invite' ? await invitationLink(db) : await oneTimeLink(db) });
  } finally {
    await close();
  }
} else {
  process.stderr.write(
    'Usage: admin init [--organization NAME] | organization --name NAME | invite --email E --role viewer|operator|admin' +
      ' | link --email E [--name N --role R] | token [--scope read|operate|admin] | key | reencrypt\n' +
      'invite, link and token are for the first organization, or for --organization ID|NAME\n',
  );
  process.exitCode = 2;
}

async function firstOrganizationAndToken(db: Database): Promise<object> {
  const known = await firstOrganization(db);
  return known
    ? {
        organizationId: known,
        note: 'The organization is there already. For another token run: admin token; for a further organization: admin organization',
      }
    : withToken(db, (tx) => makeOrganization(tx, given('--organization')?.trim() || 'My MSP'));
}

async function furtherOrganization(db: Database): Promise<object> {
  const name = given('--name')?.trim();
  if (!name) throw new UsageError('Give the name of the organization: --name "Another MSP"');
  if ((await findOrganizations(db, name)).length > 0)
    throw new UsageError(`There is an organization "${name}" already. For another token run: admin token`);
  return withToken(db, (tx) => makeOrganization(tx, name));
}

async function makeOrganization(tx: Transaction, name: string): Promise<string> {
  const id = await insertOrganization(tx, name);
  const created = { action: 'organization.create', subjectKind: 'organization', subjectId: id, after: { name } };
  await audit(tx, { organizationId: id, name: 'command line' }, created);
  return id;
}

/** Makes a token, which is shown only this once, in the transaction in which its organization is found or made. */
async function withToken(db: Database, organization: (tx: Transaction) => Promise<string>): Promise<object> {
  const wanted = given('--scope') ?? 'admin';
  const scope = (['read', 'operate', 'admin'] as const).find((each) => each === wanted);
  if (scope === undefined) throw new UsageError('The scope is read, operate or admin.');
  return db.transaction(async (tx) => {
    const organizationId = await organization(tx);
    const named = { name: `${command} on the command line`, scope, lifeDays: null };
    const { secret } = await createToken(tx, { organizationId, name: 'command line' }, named);
    return { organizationId, token: secret };
  });
}

async function invitationLink(db: Database): Promise<string> {
  const invitee = { email: email(), role: role() };
  const actor = await asOperator(db);
  const { secret } = await db.transaction((tx) => invite(tx, actor, invitee));
  return joinLink(consoleAddress(), secret);
}

async function oneTimeLink(db: Database): Promise<string> {
  const name = given('--name')?.trim() || undefined;
  const input = { email: email(), ...(name === undefined ? {} : { ifMissing: { name, role: role() } }) };
  const actor = await asOperator(db);
  const { secret } = await db.transaction((tx) => makeSignInLink(tx, actor, input));
  return signInLink(consoleAddress(), secret);
}

/** Acts for the organization that is named, or for the first one. */
async function asOperator(db: Queryable): Promise<Actor> {
  const named = given('--organization');
  const found =
    named === undefined ? [await firstOrganization(db)].flatMap((id) => id ?? []) : await findOrganizations(db, named);
  const [organizationId, another] = found;
  if (organizationId === undefined)
    throw new UsageError(
      named === undefined ? 'There is no organization yet: run init first.' : `There is no organization "${named}".`,
    );
  if (another !== undefined) throw new UsageError(`Several organizations are called "${named}". Give the id of one.`);
  return { organizationId, name: 'command line' };
}

function email(): string {
  const address = given('--email')?.toLowerCase() ?? '';
  if (!/^[^\s@]+@[^\s@]+$/.test(address))
    throw new UsageError('Give the e-mail of the person: --email ada@example.com');
  return address;
}

function role(): Role {
  const named = roles.find((each) => each === given('--role'));
  if (named === undefined) throw new UsageError(`Give the role: --role ${roles.join('|')}`);
  return named;
}

/** Where people open the console, for the links. */
function consoleAddress(): string {
  const { PUBLIC_URL, API_PORT } = process.env;
  return new URL(PUBLIC_URL || `http://127.0.0.1:${API_PORT || 8080}`).origin;
}
