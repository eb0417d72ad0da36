import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { openBrowser, seedPerson } from '../kit/people.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

const invite = async (email: string) => {
  const made = await harness.admin.good<{ invitation: { id: string }; link: string }>('POST', '/v1/invitations', {
    email,
    role: 'viewer',
  });
  return { id: made.invitation.id, secret: made.link.split('#')[1] ?? '' };
};
const join = (secret: string, more: object = {}) =>
  openBrowser(harness.url).ask('POST', '/auth/join', { secret, name: 'Ada', password: 'a-password-of-hers', ...more });

test.each([
  ['no e-mail', { email: 'ada', role: 'viewer' }, 'email'],
  ['no role', { email: 'ada@example.com', role: 'owner' }, 'role'],
])('%s is refused by name', async (_what, body, field) => {
  const { errors } = await harness.admin.problem(400, 'invalid-request', 'POST', '/v1/invitations', body);
  expect(errors?.map((each) => each.field)).toEqual([field]);
});

test('a member is not invited again', async () => {
  const { email } = await seedPerson(harness.db, harness.one.organizationId, 'viewer');
  const body = { email: email.toUpperCase(), role: 'admin' };
  await harness.admin.problem(409, 'already-member', 'POST', '/v1/invitations', body);
});

test('a link that was used, has expired, was withdrawn, or never was: one answer, and no member', async () => {
  const [used, expired, withdrawn] = [
    await invite('used@example.com'),
    await invite('expired@example.com'),
    await invite('withdrawn@example.com'),
  ];
  expect((await join(used.secret)).status).toBe(200);
  await harness.db.execute(
    sql`update invitation set expires_at = now() - interval '1 second' where id = ${expired.id}`,
  );
  await harness.admin.good('DELETE', `/v1/invitations/${withdrawn.id}`);
  const before = await harness.dump();
  for (const secret of [used.secret, expired.secret, withdrawn.secret, 'csi_nobody-was-ever-given-this']) {
    for (const path of ['join', 'invitation']) {
      const answer = await openBrowser(harness.url).ask('POST', `/auth/${path}`, {
        secret,
        name: 'Ada',
        password: 'a-password-of-hers',
      });
      expect([answer.status, answer.body.code], path).toEqual([404, 'no-such-link']);
    }
  }
  const after = await harness.dump();
  for (const table of ['user', 'member', 'session', 'account']) expect(after[table], table).toEqual(before[table]);
  // One that has expired is still listed, so that an admin sees that it was never accepted.
  const { items } = await harness.admin.good<{ items: { id: string }[] }>('GET', '/v1/invitations');
  expect(items.map(({ id }) => id)).toEqual([expired.id]);
  await harness.admin.problem(404, 'not-found', 'DELETE', `/v1/invitations/${withdrawn.id}`);
  await harness.admin.problem(404, 'not-found', 'DELETE', `/v1/invitations/${randomUUID()}`);
});

test('of many who accept at the same moment one becomes a member', async () => {
  const { secret } = await invite('race@example.com');
  const answers = await Promise.all(Array.from({ length: 6 }, (_, at) => join(secret, { name: `Racer ${at}` })));
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 404, 404, 404, 404, 404]);
});

test('a short password and an empty name are refused, and the link still works', async () => {
  const { secret } = await invite('short@example.com');
  expect((await join(secret, { password: 'short' })).body).toMatchObject({
    status: 400,
    errors: [{ field: 'password' }],
  });
  expect((await join(secret, { name: ' ' })).body).toMatchObject({ status: 400, errors: [{ field: 'name' }] });
  expect((await join(secret)).status).toBe(200);
});
