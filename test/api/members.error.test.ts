import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { seedPerson } from '../kit/people.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

test('a role that there is not is refused by name', async () => {
  const { errors } = await harness.admin.problem(400, 'invalid-request', 'PUT', `/v1/members/${randomUUID()}`, {
    role: 'owner',
  });
  expect(errors?.map(({ field }) => field)).toEqual(['role']);
});

test('a member that there is not is not found', async () => {
  await harness.admin.problem(404, 'not-found', 'PUT', `/v1/members/${randomUUID()}`, { role: 'viewer' });
  await harness.admin.problem(404, 'not-found', 'DELETE', `/v1/members/${randomUUID()}`);
});

test('the last admin is neither removed nor made less, not even by two at once', async () => {
  const { db, other, as } = harness;
  const admin = as(other.tokens.admin);
  const [one, two] = [
    await seedPerson(db, other.organizationId, 'admin'),
    await seedPerson(db, other.organizationId, 'admin'),
  ];
  await seedPerson(db, other.organizationId, 'operator');
  const answers = await Promise.all([
    admin.call('PUT', `/v1/members/${one.id}`, { role: 'viewer' }),
    admin.call('DELETE', `/v1/members/${two.id}`),
  ]);
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409]);
  const { items } = await admin.good<{ items: { id: string; role: string }[] }>('GET', '/v1/members');
  const [last, ...rest] = items.filter(({ role }) => role === 'admin');
  expect(rest).toEqual([]);
  const { detail } = await admin.problem(409, 'last-admin', 'DELETE', `/v1/members/${last?.id}`);
  expect(detail).toContain('Make another member an admin first');
  await admin.problem(409, 'last-admin', 'PUT', `/v1/members/${last?.id}`, { role: 'operator' });
  // Staying an admin is no change for the worse.
  await admin.good('PUT', `/v1/members/${last?.id}`, { role: 'admin' });
});
