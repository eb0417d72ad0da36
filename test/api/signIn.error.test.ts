import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { linkFor, openBrowser, seedPerson, signedIn } from '../kit/people.ts';

let harness: ApiHarness;
let organizationId: string;
beforeAll(async () => {
  harness = await startApi();
  ({ organizationId } = harness.one);
});
afterAll(() => harness?.close());

const signIn = (email: string, password: string) =>
  openBrowser(harness.url).ask('POST', '/auth/sign-in', { email, password });

test.each([
  ['nothing', {}, 'email, password'],
  ['no password', { email: 'a@example.com' }, 'password'],
  ['an empty password', { email: 'a@example.com', password: '' }, 'password'],
  ['a password without end', { email: 'a@example.com', password: 'x'.repeat(5000) }, 'password'],
  ['a number', { email: 7, password: 'x' }, 'email'],
])('%s is refused by name', async (_what, body, fields) => {
  const answer = await openBrowser(harness.url).ask('POST', '/auth/sign-in', body);
  expect([answer.status, answer.body.code]).toEqual([400, 'invalid-request']);
  expect(answer.body.detail).toContain(fields);
});

test('what is no JSON, holds a NUL, or is no text is refused', async () => {
  const ask = async (body: string, type = 'application/json') => {
    const response = await fetch(`${harness.url}/auth/sign-in`, {
      method: 'POST',
      headers: { 'content-type': type },
      body,
    });
    return (await response.json()) as { code: string };
  };
  expect(await ask('{')).toMatchObject({ code: 'invalid-json' });
  expect(await ask('[]', 'text/plain')).toMatchObject({ code: 'not-json' });
  expect(await ask('{"email":"a\\u0000","password":"x"}')).toMatchObject({ code: 'invalid-text' });
  expect(await ask('null')).toMatchObject({ code: 'invalid-request' });
});

test('a wrong password and an e-mail that is nobody’s are answered with the same words', async () => {
  const { email } = await seedPerson(harness.db, organizationId, 'viewer');
  const [wrong, nobody] = [
    await signIn(email, 'not-the-password'),
    await signIn('nobody@example.com', 'not-the-password'),
  ];
  expect([wrong.status, wrong.body.code]).toEqual([401, 'wrong-password']);
  const words = ({ status, body }: typeof wrong) => ({ status, ...body, instance: undefined });
  expect(words(nobody)).toEqual(words(wrong));
  expect(wrong.headers.getSetCookie()).toEqual([]);
});

test('somebody who is no member any more has no session and gets none', async () => {
  const person = await seedPerson(harness.db, organizationId, 'viewer');
  const browser = await signedIn(harness.url, person);
  await harness.admin.good('DELETE', `/v1/members/${person.id}`);
  expect((await browser.ask('GET', '/v1/me')).body.code).toBe('no-session');
  expect((await signIn(person.email, person.password)).body.code).toBe('wrong-password');
});

test('a link that was never made, has expired, was used, or is somebody’s who is no member any more: one answer', async () => {
  const { db } = harness;
  const [expired, used, former] = await Promise.all([1, 2, 3].map(() => seedPerson(db, organizationId, 'viewer')));
  if (!expired || !used || !former) throw new Error('Nobody was made.');
  const secrets = {
    expired: await linkFor(db, organizationId, expired),
    used: await linkFor(db, organizationId, used),
    former: await linkFor(db, organizationId, former),
    never: 'csl_nobody-was-ever-given-this',
  };
  await db.execute(sql`update sign_in_link set expires_at = now() - interval '1 second' where user_id = ${expired.id}`);
  await openBrowser(harness.url).ask('POST', '/auth/link', { secret: secrets.used });
  await harness.admin.good('DELETE', `/v1/members/${former.id}`);
  for (const [what, secret] of Object.entries(secrets)) {
    const browser = openBrowser(harness.url);
    const { status, body } = await browser.ask('POST', '/auth/link', { secret });
    expect([status, body.code, browser.cookie], what).toEqual([404, 'no-such-link', '']);
  }
});

test('a session that has expired is none', async () => {
  const person = await seedPerson(harness.db, organizationId, 'viewer');
  const browser = await signedIn(harness.url, person);
  await harness.db.execute(
    sql`update session set expires_at = now() - interval '1 second' where user_id = ${person.id}`,
  );
  const { status, body } = await browser.ask('GET', '/v1/me');
  expect([status, body.code]).toEqual([401, 'no-session']);
});

test('a new password has to be long enough, and asks for the old one', async () => {
  const browser = await signedIn(harness.url, await seedPerson(harness.db, organizationId, 'viewer'));
  const set = (current: string | null, password: string) => browser.ask('PUT', '/auth/password', { current, password });
  expect((await set('x', 'too-short')).body).toMatchObject({ status: 400, errors: [{ field: 'password' }] });
  for (const current of ['not-the-password', null])
    expect((await set(current, 'a-long-new-password')).body).toMatchObject({ status: 422, code: 'wrong-password' });
});

test('nobody can sign up, and better-auth’s own routes are not served', async () => {
  for (const path of [
    'sign-up/email',
    'sign-in/email',
    'get-session',
    'list-sessions',
    'update-user',
    'forget-password',
  ]) {
    const answer = await openBrowser(harness.url).ask('POST', `/auth/${path}`, {
      email: 'me@example.com',
      password: 'a-long-password',
      name: 'Me',
    });
    expect([answer.status, answer.body.code], path).toEqual([404, 'no-route']);
  }
});

test('while the database is away it is said so, and nobody is signed out for it', async () => {
  const person = await seedPerson(harness.db, organizationId, 'viewer');
  const browser = await signedIn(harness.url, person);
  await harness.db.execute(sql`alter table session rename to session_away`);
  try {
    expect((await browser.ask('GET', '/v1/me')).status).toBe(500);
  } finally {
    await harness.db.execute(sql`alter table session_away rename to session`);
  }
  expect((await browser.ask('GET', '/v1/me')).status).toBe(200);
});
