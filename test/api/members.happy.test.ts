import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { seedPerson, signedIn } from '../kit/people.ts';

interface Member {
  id: string;
  name: string;
  email: string;
  role: string;
  joinedAt: string;
}

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

test('members are listed, page by page, with name, e-mail and role', async () => {
  const { db, one } = harness;
  const people = await Promise.all(
    (['viewer', 'operator', 'admin'] as const).map((role) => seedPerson(db, one.organizationId, role)),
  );
  const first = await harness.admin.good<{ items: Member[]; nextCursor: string }>('GET', '/v1/members?limit=2');
  const second = await harness.admin.good<{ items: Member[]; nextCursor: null }>(
    'GET',
    `/v1/members?limit=2&cursor=${first.nextCursor}`,
  );
  const listed = [...first.items, ...second.items];
  expect(listed.map(({ id, name, email }) => ({ id, name, email })).toSorted((a, b) => (a.id < b.id ? -1 : 1))).toEqual(
    people.map(({ id, name, email }) => ({ id, name, email })).toSorted((a, b) => (a.id < b.id ? -1 : 1)),
  );
  expect(listed.map(({ role }) => role).toSorted()).toEqual(['admin', 'operator', 'viewer']);
  expect(second.nextCursor).toBeNull();
});

test('another role holds from the next request on, and is audited with the one before', async () => {
  const { db, one, url, admin } = harness;
  const person = await seedPerson(db, one.organizationId, 'viewer');
  const browser = await signedIn(url, person);
  const path = `/v1/integrations/${one.integrationId}/syncs`;
  expect((await browser.ask('POST', path)).body.code).toBe('missing-scope');
  await admin.good('PUT', `/v1/members/${person.id}`, { role: 'operator' });
  expect((await browser.ask('POST', path)).status).toBe(202);
  const { items } = await admin.good<{ items: object[] }>('GET', '/v1/audit?limit=10');
  expect(items).toContainEqual(
    expect.objectContaining({
      action: 'member.role',
      subjectId: person.id,
      before: { role: 'viewer' },
      after: { role: 'operator' },
    }),
  );
});

test('whoever is removed is out at once, and stands in the audit by name still', async () => {
  const { db, one, url, admin } = harness;
  const person = await seedPerson(db, one.organizationId, 'operator', 'Alan Turing');
  const browser = await signedIn(url, person);
  await browser.ask('POST', `/v1/integrations/${one.integrationId}/syncs`);
  await admin.good('DELETE', `/v1/members/${person.id}`);
  expect((await browser.ask('GET', '/v1/me')).status).toBe(401);
  const { items } = await admin.good<{ items: { actor: string; actorName: string }[] }>('GET', '/v1/audit?limit=10');
  const theirs = items.filter(({ actor }) => actor === `person:${person.id}`);
  expect(theirs.map(({ actorName }) => actorName)).toEqual(theirs.map(() => 'Alan Turing'));
  expect(theirs.length).toBeGreaterThan(1);
});
