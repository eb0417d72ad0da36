import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { seedPerson, signedIn } from '../kit/people.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

test.each([
  ['read', ['read']],
  ['operate', ['read', 'operate']],
  ['admin', ['read', 'operate', 'admin']],
] as const)('a caller with the scope %s learns whose token it has and what it may do', async (scope, scopes) => {
  const me = await harness.as(harness.one.tokens[scope]).good<object>('GET', '/v1/me');
  const organization = { id: harness.one.organizationId, name: expect.any(String) as string };
  expect(me).toEqual({ organization, person: null, scopes });
});

test.each([
  ['viewer', ['read']],
  ['operator', ['read', 'operate']],
  ['admin', ['read', 'operate', 'admin']],
] as const)('a person with the role %s learns who is signed in and what that allows', async (role, scopes) => {
  const { db, one, url } = harness;
  const person = await seedPerson(db, one.organizationId, role, 'Ada Lovelace');
  const { body } = await (await signedIn(url, person)).ask('GET', '/v1/me');
  expect(body).toEqual({
    organization: { id: one.organizationId, name: 'MSP one' },
    person: { id: person.id, name: 'Ada Lovelace', email: person.email },
    scopes,
  });
});
