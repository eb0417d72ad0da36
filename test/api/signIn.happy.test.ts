import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { linkFor, openBrowser, seedPerson, signedIn } from '../kit/people.ts';

interface Entry {
  actor: string;
  actorName: string;
  action: string;
  after: unknown;
}

let harness: ApiHarness;
let organizationId: string;
beforeAll(async () => {
  harness = await startApi();
  ({ organizationId } = harness.one);
});
afterAll(() => harness?.close());

const newest = async () => (await harness.admin.good<{ items: Entry[] }>('GET', '/v1/audit?limit=5')).items[0];

test('e-mail and password give a session, which is the same caller as a token: the person stands in the audit by name', async () => {
  const person = await seedPerson(harness.db, organizationId, 'admin', 'Grace Hopper');
  // However the person writes the e-mail.
  const browser = await signedIn(harness.url, { ...person, email: ` ${person.email.toUpperCase()}` });
  expect(await newest()).toMatchObject({
    action: 'person.signIn',
    actorName: 'Grace Hopper',
    after: { with: 'password' },
  });
  const path = `/v1/psa-connections/${harness.one.psaConnectionId}/writes`;
  expect((await browser.ask('PUT', path, { enabled: true })).status).toBe(200);
  expect(await newest()).toMatchObject({
    actor: `person:${person.id}`,
    actorName: 'Grace Hopper',
    action: 'psaConnection.writes',
  });
});

test('the cookie is out of the reach of scripts and of other sites, and lasts a week', async () => {
  const browser = await signedIn(harness.url, await seedPerson(harness.db, organizationId, 'viewer'));
  const [cookie = '', ...others] = browser.told;
  expect(others).toEqual([]);
  expect(cookie).toMatch(/^countersign\.session_token=/);
  const attributes = cookie
    .split('; ')
    .slice(1)
    .map((each) => each.toLowerCase())
    .toSorted();
  expect(attributes).toEqual(['httponly', `max-age=${7 * 24 * 3600}`, 'path=/', 'samesite=lax']);
});

test('at a public address with https the cookie is Secure, and only its own pages may change something', async () => {
  const secure = await startApi({ env: { PUBLIC_URL: 'https://countersign.example.com/' } });
  try {
    const person = await seedPerson(secure.db, secure.one.organizationId, 'admin');
    const browser = openBrowser(secure.url);
    const origin = 'https://countersign.example.com';
    await browser.ask('POST', '/auth/sign-in', { email: person.email, password: person.password }, { origin });
    expect(browser.told[0]).toMatch(/^__Secure-countersign\.session_token=.*; Secure/);
    const path = `/v1/psa-connections/${secure.one.psaConnectionId}/check`;
    expect((await browser.ask('POST', path, undefined, { origin })).status).toBe(202);
    // The address that was asked is not the public one.
    expect((await browser.ask('POST', path)).body.code).toBe('wrong-origin');
    const invited = await browser.ask(
      'POST',
      '/v1/invitations',
      { email: 'x@example.com', role: 'viewer' },
      { origin },
    );
    expect(invited.body['link']).toMatch(/^https:\/\/countersign\.example\.com\/join#csi_/);
  } finally {
    await secure.close();
  }
});

test('a one-time link gives a session, once', async () => {
  const person = await seedPerson(harness.db, organizationId, 'operator', 'Linus');
  const secret = await linkFor(harness.db, organizationId, person);
  const browser = openBrowser(harness.url);
  expect((await browser.ask('POST', '/auth/link', { secret })).status).toBe(200);
  expect((await browser.ask('GET', '/v1/me')).body).toMatchObject({ person: { name: 'Linus' } });
  expect(await newest()).toMatchObject({ action: 'person.signIn', after: { with: 'link' } });
  const second = openBrowser(harness.url);
  expect((await second.ask('POST', '/auth/link', { secret })).body.code).toBe('no-such-link');
  expect(second.cookie).toBe('');
});

test('of many who use a link at the same moment one gets a session', async () => {
  const secret = await linkFor(harness.db, organizationId, await seedPerson(harness.db, organizationId, 'viewer'));
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => openBrowser(harness.url).ask('POST', '/auth/link', { secret })),
  );
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array.from({ length: 7 }, () => 404)]);
});

test('signing out ends this session and makes the browser forget it; the other ones go on', async () => {
  const person = await seedPerson(harness.db, organizationId, 'viewer');
  const [one, other] = [await signedIn(harness.url, person), await signedIn(harness.url, person)];
  const stolen = one.cookie;
  expect((await one.ask('POST', '/auth/sign-out')).status).toBe(200);
  expect(one.cookie).toBe('');
  expect((await one.ask('GET', '/v1/me', undefined, { cookie: stolen })).body.code).toBe('no-session');
  expect((await other.ask('GET', '/v1/me')).status).toBe(200);
  expect(await newest()).toMatchObject({ action: 'person.signOut', after: { sessions: 1 } });
});

test('signing out everywhere ends every session of the person at once, and nobody else’s', async () => {
  const person = await seedPerson(harness.db, organizationId, 'viewer');
  const [one, other] = [await signedIn(harness.url, person), await signedIn(harness.url, person)];
  const somebody = await signedIn(harness.url, await seedPerson(harness.db, organizationId, 'viewer'));
  expect((await one.ask('POST', '/auth/sign-out-everywhere')).status).toBe(200);
  expect((await other.ask('GET', '/v1/me')).body.code).toBe('no-session');
  expect((await somebody.ask('GET', '/v1/me')).status).toBe(200);
  expect(await newest()).toMatchObject({ action: 'person.signOutEverywhere', after: { sessions: 2 } });
});

test('a new password holds at once, and ends the other sessions', async () => {
  const person = await seedPerson(harness.db, organizationId, 'viewer');
  const [one, other] = [await signedIn(harness.url, person), await signedIn(harness.url, person)];
  const password = 'another-good-password';
  expect((await one.ask('PUT', '/auth/password', { current: person.password, password })).status).toBe(200);
  expect((await one.ask('GET', '/v1/me')).status).toBe(200);
  expect((await other.ask('GET', '/v1/me')).body.code).toBe('no-session');
  await signedIn(harness.url, { ...person, password });
});

test('whoever has forgotten the password comes by a link and sets another without the old one', async () => {
  const person = await seedPerson(harness.db, organizationId, 'viewer');
  const browser = openBrowser(harness.url);
  await browser.ask('POST', '/auth/link', { secret: await linkFor(harness.db, organizationId, person) });
  const password = 'remembered-this-time';
  expect((await browser.ask('PUT', '/auth/password', { current: null, password })).status).toBe(200);
  await signedIn(harness.url, { ...person, password });
});

test('/config.json says how one signs in', async () => {
  const { body, headers } = await openBrowser(harness.url).ask('GET', '/config.json');
  expect(body).toEqual({ signIn: ['password', 'link'] });
  expect(headers.get('cache-control')).toBe('no-store');
});
