/** People who sign in, for tests: members with passwords, and their sessions as a browser has them. */
import { randomBytes, randomUUID } from 'node:crypto';
import { hashPassword } from 'better-auth/crypto';
import { makeSignInLink } from '../../commands/signIn.ts';
import type { Database } from '../../db/client.ts';
import { insertMember, insertPerson, storePassword } from '../../db/queries/member.ts';
import type { Role } from '../../domain/roles.ts';

export interface Person {
  id: string;
  name: string;
  email: string;
  password: string;
}

/** Makes a person who is a member with a role and has a password. */
export async function seedPerson(
  db: Database,
  organizationId: string,
  role: Role,
  name = `The ${role}`,
): Promise<Person> {
  const email = `${role}-${randomUUID()}@example.com`;
  const password = `good-password-${randomBytes(6).toString('hex')}`;
  const id = await db.transaction(async (tx) => {
    const made = await insertPerson(tx, { name, email });
    await storePassword(tx, made, await hashPassword(password));
    await insertMember(tx, organizationId, { userId: made, role });
    return made;
  });
  return { id, name, email, password };
}

/** A browser's side of a session: what it sends, and what it has been told to keep. */
export interface Browser {
  /** The `Cookie` header; empty = signed out. */
  cookie: string;
  /** `Set-Cookie` of the last answer. */
  told: string[];
  ask(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string | undefined>,
  ): Promise<{ status: number; body: { code?: string; detail?: string } & Record<string, unknown>; headers: Headers }>;
}

/** @param url of the api; requests come from its own pages unless `headers` say otherwise (undefined leaves one out) */
export function openBrowser(url: string): Browser {
  const browser: Browser = {
    cookie: '',
    told: [],
    async ask(method, path, body, headers = {}) {
      const all = {
        origin: url,
        ...(browser.cookie === '' ? {} : { cookie: browser.cookie }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      };
      const response = await fetch(`${url}${path}`, {
        method,
        headers: Object.entries(all).filter((each): each is [string, string] => each[1] !== undefined),
        body: body === undefined ? null : JSON.stringify(body),
      });
      browser.told = response.headers.getSetCookie();
      for (const cookie of browser.told) {
        const [pair = ''] = cookie.split(';');
        if (pair.includes('session_token=')) browser.cookie = pair.endsWith('=') ? '' : pair;
      }
      const text = await response.text();
      const isJson = /json/.test(response.headers.get('content-type') ?? '');
      return {
        status: response.status,
        body: (isJson ? JSON.parse(text) : { text }) as never,
        headers: response.headers,
      };
    },
  };
  return browser;
}

/** A browser in which a person has signed in. @throws Error when that is refused */
export async function signedIn(url: string, { email, password }: Person): Promise<Browser> {
  const browser = openBrowser(url);
  const { status, body } = await browser.ask('POST', '/auth/sign-in', { email, password });
  if (status !== 200) throw new Error(`Signing in was answered ${status}: ${JSON.stringify(body)}`);
  return browser;
}

/** The secret of a one-time link for a member. */
export async function linkFor(db: Database, organizationId: string, { email }: Person): Promise<string> {
  const actor = { organizationId, name: 'test' };
  return (await db.transaction((tx) => makeSignInLink(tx, actor, { email }))).secret;
}
