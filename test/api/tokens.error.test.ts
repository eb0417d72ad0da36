import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

const good = { name: 'Export', scope: 'read', lifeDays: 30 };
const make = () =>
  harness.admin.good<{ apiToken: { id: string }; secret: string }>('POST', '/v1/tokens', { ...good, name: 'Made' });

test.each([
  ['no name', { ...good, name: ' ' }, 'name'],
  ['an unknown scope', { ...good, scope: 'owner' }, 'scope'],
  ['a life that is over at once', { ...good, lifeDays: 0 }, 'lifeDays'],
  ['a life of eleven years', { ...good, lifeDays: 4_000 }, 'lifeDays'],
  ['no word about its life', { name: 'Export', scope: 'read' }, 'lifeDays'],
])('%s is refused by name', async (_what, body, field) => {
  const { errors } = await harness.admin.problem(400, 'invalid-request', 'POST', '/v1/tokens', body);
  expect(errors?.map((each) => each.field)).toEqual([field]);
});

test('who is no admin makes and revokes none, not even the token itself', async () => {
  const { apiToken } = await make();
  for (const token of [harness.one.tokens.read, harness.one.tokens.operate]) {
    const before = await harness.dump();
    await harness.as(token).problem(403, 'missing-scope', 'POST', '/v1/tokens', good);
    await harness.as(token).problem(403, 'missing-scope', 'DELETE', `/v1/tokens/${apiToken.id}`);
    expect(await harness.dump()).toEqual(before);
  }
});

test('an expired token opens nothing, and is still listed until it is revoked', async () => {
  const { apiToken, secret } = await make();
  await harness.db.execute(
    sql`update api_token set expires_at = now() - interval '1 second' where id = ${apiToken.id}`,
  );
  const problem = await harness.as(secret).problem(401, 'bad-token', 'GET', '/v1/me');
  expect(problem.detail).toContain('expired');
  const { items } = await harness.admin.good<{ items: { id: string }[] }>('GET', '/v1/tokens?limit=200');
  expect(items.map(({ id }) => id)).toContain(apiToken.id);
  await harness.admin.good('DELETE', `/v1/tokens/${apiToken.id}`);
});

test('nobody’s token, another organization’s, and one that is revoked already are not there', async () => {
  const { apiToken } = await make();
  await harness.admin.good('DELETE', `/v1/tokens/${apiToken.id}`);
  const other = harness.as(harness.other.tokens.admin);
  for (const id of [apiToken.id, randomUUID(), harness.other.adminTokenId]) {
    const before = await harness.dump();
    await harness.admin.problem(404, 'not-found', 'DELETE', `/v1/tokens/${id}`);
    expect(await harness.dump()).toEqual(before);
  }
  expect(await other.good('GET', '/v1/me')).toMatchObject({ scopes: ['read', 'operate', 'admin'] });
});
