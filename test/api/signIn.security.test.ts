import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApp } from '../../api/app.ts';
import { serve } from '@hono/node-server';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { linkFor, openBrowser, seedPerson, signedIn } from '../kit/people.ts';

let harness: ApiHarness;
let organizationId: string;
beforeAll(async () => {
  harness = await startApi({ env: { TRUSTED_PROXIES: '1' } });
  ({ organizationId } = harness.one);
});
afterAll(() => harness?.close());

/** Signs in from an address of one's own, as the proxy in front has noted it. */
const signIn = (email: string, password: string, from: string, url = harness.url) =>
  openBrowser(url).ask('POST', '/auth/sign-in', { email, password }, { 'x-forwarded-for': `6.6.6.6, ${from}` });

test('wrong passwords are throttled, also all at once and at two apis; then the right one has to wait, too', async () => {
  const second = await anotherApi();
  try {
    const { email, password } = await seedPerson(harness.db, organizationId, 'viewer');
    const answers = await Promise.all(
      Array.from({ length: 24 }, (_, at) =>
        signIn(email, `wrong-password-${at}`, '10.0.0.1', at % 2 === 0 ? harness.url : second.url),
      ),
    );
    const of = (status: number) => answers.filter((answer) => answer.status === status);
    expect(of(401)).toHaveLength(10);
    expect(of(429)).toHaveLength(14);
    const waiting = await signIn(email, password, '10.0.0.1');
    expect([waiting.status, waiting.body.code]).toEqual([429, 'too-many-attempts']);
    const seconds = Number(waiting.headers.get('retry-after'));
    expect(seconds).toBeGreaterThan(800);
    expect(seconds).toBeLessThanOrEqual(900);
    // From elsewhere the person can still sign in, and others from here.
    expect((await signIn(email, password, '10.0.0.2')).status).toBe(200);
    const other = await seedPerson(harness.db, organizationId, 'viewer');
    expect((await signIn(other.email, other.password, '10.0.0.1')).status).toBe(200);
  } finally {
    await second.close();
  }
});

test('a password that is right forgives the wrong ones before it', async () => {
  const { email, password } = await seedPerson(harness.db, organizationId, 'viewer');
  for (let round = 0; round < 2; round++) {
    for (let at = 0; at < 6; at++) expect((await signIn(email, 'wrong', '10.0.1.1')).status).toBe(401);
    expect((await signIn(email, password, '10.0.1.1')).status).toBe(200);
  }
});

test('an e-mail that is nobody’s is throttled just so', async () => {
  const statuses: number[] = [];
  for (let at = 0; at < 12; at++) statuses.push((await signIn('ghost@example.com', 'wrong', '10.0.2.1')).status);
  expect(statuses).toEqual([...Array.from({ length: 10 }, () => 401), 429, 429]);
});

test('a password of one e-mail cannot be tried from ever new addresses, nor ever new e-mails from one', async () => {
  const { email } = await seedPerson(harness.db, organizationId, 'viewer');
  // As if the first attempt had been made 99 times.
  const often = () => harness.db.execute(sql`update sign_in_throttle set attempts = 99 where attempts = 1`);
  expect((await signIn(email, 'wrong', '10.1.0.1')).status).toBe(401);
  await often();
  expect((await signIn(email, 'wrong', '10.1.0.2')).status).toBe(401);
  expect((await signIn(email, 'wrong', '10.1.0.3')).status).toBe(429);
  expect((await signIn('nobody1@example.com', 'wrong', '10.2.0.1')).status).toBe(401);
  await often();
  expect((await signIn('nobody2@example.com', 'wrong', '10.2.0.1')).status).toBe(401);
  expect((await signIn('nobody3@example.com', 'wrong', '10.2.0.1')).status).toBe(429);
});

test('what stands in X-Forwarded-For before the proxy’s own note is not believed', async () => {
  const { email } = await seedPerson(harness.db, organizationId, 'viewer');
  const statuses: number[] = [];
  for (let at = 0; at < 12; at++) {
    const headers = { 'x-forwarded-for': `1.1.1.${at}, 10.3.0.1` };
    const answer = await openBrowser(harness.url).ask('POST', '/auth/sign-in', { email, password: 'wrong' }, headers);
    statuses.push(answer.status);
  }
  expect(statuses.slice(-2)).toEqual([429, 429]);
});

test.each(['sign-in', 'link', 'join', 'invitation'])(
  '/auth/%s refuses what another site’s page sends',
  async (path) => {
    const person = await seedPerson(harness.db, organizationId, 'viewer');
    const secret = await linkFor(harness.db, organizationId, person);
    const body = { email: person.email, password: person.password, secret, name: 'Me' };
    for (const origin of ['https://evil.example', 'null']) {
      const browser = openBrowser(harness.url);
      const answer = await browser.ask('POST', `/auth/${path}`, body, { origin });
      expect([answer.status, answer.body.code, browser.cookie]).toEqual([403, 'wrong-origin', '']);
    }
    // The link was not used up by it.
    if (path === 'link')
      expect((await openBrowser(harness.url).ask('POST', '/auth/link', { secret })).status).toBe(200);
  },
);

test.each(['sign-out', 'sign-out-everywhere'])('/auth/%s refuses what another site’s page sends', async (path) => {
  const browser = await signedIn(harness.url, await seedPerson(harness.db, organizationId, 'viewer'));
  for (const origin of ['https://evil.example', 'null', undefined])
    expect((await browser.ask('POST', `/auth/${path}`, undefined, { origin })).body.code).toBe('wrong-origin');
  expect((await browser.ask('GET', '/v1/me')).status).toBe(200);
});

test('a cookie that was altered, or made by another installation, opens nothing', async () => {
  const browser = await signedIn(harness.url, await seedPerson(harness.db, organizationId, 'viewer'));
  const [name = '', value = ''] = browser.cookie.split(/=(.*)/s);
  const [token = '', signature = ''] = decodeURIComponent(value).split(/\.(.*)/s);
  const forged = [`${token}x.${signature}`, `${token}.${'A'.repeat(43)}=`, token, `.${signature}`, '%00', ''];
  for (const each of forged) {
    const cookie = `${name}=${encodeURIComponent(each)}`;
    expect((await browser.ask('GET', '/v1/me', undefined, { cookie })).status, each).toBe(401);
  }
});

test('a token that is sent beside a cookie decides alone, and needs no origin', async () => {
  const viewer = await signedIn(harness.url, await seedPerson(harness.db, organizationId, 'viewer'));
  const headers = { authorization: `Bearer ${harness.one.tokens.admin}`, origin: undefined };
  const path = `/v1/psa-connections/${harness.one.psaConnectionId}/check`;
  expect((await viewer.ask('POST', path, undefined, headers)).status).toBe(202);
  const bad = { authorization: 'Bearer nobody-was-ever-given-this', origin: harness.url };
  expect((await viewer.ask('GET', '/v1/me', undefined, bad)).body.code).toBe('bad-token');
});

test('a person sees and changes nothing of another organization', async () => {
  const mine = await signedIn(harness.url, await seedPerson(harness.db, organizationId, 'admin'));
  const theirs = await seedPerson(harness.db, harness.other.organizationId, 'viewer');
  for (const [method, body] of [
    ['PUT', { role: 'admin' }],
    ['DELETE', undefined],
  ] as const) {
    const answer = await mine.ask(method, `/v1/members/${theirs.id}`, body);
    expect([answer.status, answer.body.code]).toEqual([404, 'not-found']);
  }
  const listed = (await mine.ask('GET', '/v1/members?limit=200')).body['items'] as { id: string }[];
  expect(listed.map(({ id }) => id)).not.toContain(theirs.id);
});

test('no password, cookie or link is in the log or in the audit, and in the database only what opens nothing', async () => {
  const person = await seedPerson(harness.db, organizationId, 'admin');
  const link = await linkFor(harness.db, organizationId, person);
  const browser = openBrowser(harness.url);
  await browser.ask('POST', '/auth/link', { secret: link });
  const invited = await browser.ask('POST', '/v1/invitations', { email: 'secret@example.com', role: 'viewer' });
  const invitation = String(invited.body['link']).split('#')[1] ?? '';
  await signIn(person.email, 'a-wrong-password-indeed', '10.4.0.1');
  const password = 'a-new-password-indeed';
  await browser.ask('PUT', '/auth/password', { current: null, password });
  // Even when the statement fails that compares them.
  await harness.failing('audit', () => signIn(person.email, password, '10.4.0.1'));
  const cookie = decodeURIComponent(browser.cookie.split('=')[1] ?? '');
  const secrets = [link, invitation, person.password, password, 'a-wrong-password-indeed', cookie];
  const dump = JSON.stringify(await harness.dump());
  const logs = harness.logs.join('\n');
  expect(logs).toContain('/auth/link');
  for (const secret of secrets) {
    expect(secret.length).toBeGreaterThan(10);
    expect(logs).not.toContain(secret);
    expect(dump).not.toContain(secret);
  }
  expect(logs).not.toContain(cookie.split('.')[0]);
});

/** A second api on the same database. */
async function anotherApi(): Promise<{ url: string; close: () => Promise<void> }> {
  const app = createApp({
    db: harness.db,
    encryption: harness.one.encryption,
    environment: harness.environment,
    logger: pino({ level: 'silent' }),
    wake: async () => undefined,
    temporalState: async () => 'ready',
    metrics: new Registry(),
  });
  const server = await new Promise<ReturnType<typeof serve>>((resolve) => {
    const starting = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, () => resolve(starting));
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, close: () => new Promise((resolve) => void server.close(() => resolve())) };
}
