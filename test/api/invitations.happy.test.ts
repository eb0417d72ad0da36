import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { openBrowser, seedPerson, signedIn } from '../kit/people.ts';

interface Invitation {
  id: string;
  email: string;
  role: string;
  invitedBy: string;
}

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

const invitations = async () => (await harness.admin.good<{ items: Invitation[] }>('GET', '/v1/invitations')).items;
const invite = async (email: string, role = 'operator') => {
  const made = await harness.admin.good<{ invitation: Invitation; link: string }>('POST', '/v1/invitations', {
    email,
    role,
  });
  const [address, secret = ''] = made.link.split('#');
  expect(address).toBe(`${harness.url}/join`);
  return { ...made, secret };
};
const join = (secret: string, password: string, name = 'Ada Lovelace') => {
  const browser = openBrowser(harness.url);
  return browser.ask('POST', '/auth/join', { secret, name, password }).then((answer) => ({ ...answer, browser }));
};

test('an invitation is made by a person, listed with the name, read by its link, and accepted: then it is a member', async () => {
  const { db, one, url } = harness;
  const admin = await seedPerson(db, one.organizationId, 'admin', 'Grace Hopper');
  const made = await (
    await signedIn(url, admin)
  ).ask('POST', '/v1/invitations', { email: 'Ada@Example.com', role: 'operator' });
  expect(made.status).toBe(201);
  expect(await invitations()).toMatchObject([
    { email: 'ada@example.com', role: 'operator', invitedBy: 'Grace Hopper' },
  ]);
  const secret = String(made.body['link']).split('#')[1] ?? '';

  const shown = await openBrowser(url).ask('POST', '/auth/invitation', { secret });
  expect(shown.body).toEqual({
    organization: 'MSP one',
    email: 'ada@example.com',
    role: 'operator',
    hasPassword: false,
  });

  const { status, browser } = await join(secret, 'a-password-of-hers');
  expect(status).toBe(200);
  const { body } = await browser.ask('GET', '/v1/me');
  expect(body).toMatchObject({
    person: { name: 'Ada Lovelace', email: 'ada@example.com' },
    scopes: ['read', 'operate'],
  });
  expect(await invitations()).toEqual([]);
  await signedIn(url, { id: '', name: '', email: 'ada@example.com', password: 'a-password-of-hers' });

  const { items } = await harness.admin.good<{ items: object[] }>('GET', '/v1/audit?limit=10');
  for (const [action, actorName] of [
    ['invitation.create', 'Grace Hopper'],
    ['member.join', 'Ada Lovelace'],
  ]) {
    expect(items).toContainEqual(expect.objectContaining({ action, actorName }));
  }
});

test('a second invitation of the same person takes the place of the first', async () => {
  const [first, second] = [await invite('twice@example.com', 'viewer'), await invite('twice@example.com', 'operator')];
  expect((await invitations()).filter(({ email }) => email === 'twice@example.com')).toMatchObject([
    { role: 'operator' },
  ]);
  expect((await join(first.secret, 'a-password-of-theirs')).body.code).toBe('no-such-link');
  expect((await join(second.secret, 'a-password-of-theirs')).status).toBe(200);
});

test('somebody who was removed is invited anew, and begins with a new password under the new name', async () => {
  const person = await seedPerson(harness.db, harness.one.organizationId, 'viewer');
  await harness.admin.good('DELETE', `/v1/members/${person.id}`);
  const { secret } = await invite(person.email);
  const { status, browser } = await join(secret, 'quite-another-password', 'New Name');
  expect(status).toBe(200);
  const { body } = await browser.ask('GET', '/v1/me');
  expect(body).toMatchObject({ person: { id: person.id, name: 'New Name' } });
});

test('somebody who signs in here already for another organization joins with the password that is there', async () => {
  const person = await seedPerson(harness.db, harness.other.organizationId, 'admin', 'Of The Other');
  const { secret } = await invite(person.email, 'viewer');
  expect((await openBrowser(harness.url).ask('POST', '/auth/invitation', { secret })).body['hasPassword']).toBe(true);
  const refused = await join(secret, 'not-the-password-at-all');
  expect([refused.status, refused.body.code]).toEqual([422, 'wrong-password']);
  const { status, browser } = await join(secret, person.password, 'Somebody Else');
  expect(status).toBe(200);
  const { body } = await browser.ask('GET', '/v1/me');
  expect(body).toMatchObject({ organization: { id: harness.one.organizationId }, person: { name: 'Of The Other' } });
});
