import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ApiEnv } from '../../api/context.ts';
import { idempotency } from '../../api/middleware/idempotency.ts';
import { psaCredentials } from '../kit/apiSamples.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

const create = (key: string, name = 'A PSA', token = harness.one.tokens.admin) =>
  harness.as(token).call<{
    id: string;
    code: string;
  }>('POST', '/v1/psa-connections', { ...psaCredentials, name }, { 'idempotency-key': key });
const count = async (name: string) => {
  const { items } = await harness.admin.good<{ items: { name: string }[] }>('GET', '/v1/psa-connections');
  return items.filter((item) => item.name === name).length;
};

test('the same request with the same key happens once and gets the same answer', async () => {
  const key = randomUUID();
  const first = await create(key, 'Once');
  const again = await create(key, 'Once');
  expect(first.status).toBe(201);
  expect(again).toMatchObject({ status: 201, body: first.body });
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  expect(await count('Once')).toBe(1);
});

test('the same key with another body or another route is refused', async () => {
  const key = randomUUID();
  await create(key, 'Reused');
  expect(await create(key, 'Reused otherwise')).toMatchObject({
    status: 422,
    body: { code: 'idempotency-key-reused' },
  });
  expect(await count('Reused otherwise')).toBe(0);
  const path = `/v1/psa-connections/${harness.one.psaConnectionId}/check`;
  const other = await harness.admin.call('POST', path, undefined, { 'idempotency-key': key });
  expect(other).toMatchObject({ status: 422, body: { code: 'idempotency-key-reused' } });
});

test('a key belongs to its organization', async () => {
  const key = randomUUID();
  const mine = await create(key, 'Mine');
  const theirs = await create(key, 'Mine', harness.other.tokens.admin);
  expect(theirs.status).toBe(201);
  expect(theirs.body.id).not.toBe(mine.body.id);
});

test('requests at once with one key happen once; the others are told to ask again', async () => {
  const key = randomUUID();
  const answers = await Promise.all(Array.from({ length: 12 }, () => create(key, 'At once')));
  const made = answers.filter((answer) => answer.status === 201);
  const waiting = answers.filter((answer) => answer.status === 409);
  expect(made.length + waiting.length).toBe(12);
  expect(new Set(made.map((answer) => answer.body.id)).size).toBe(1);
  for (const answer of waiting) expect(answer.body.code).toBe('in-progress');
  expect(await count('At once')).toBe(1);
});

test('a request that failed gives its key back', async () => {
  const key = randomUUID();
  const failed = await harness.admin.call(
    'POST',
    '/v1/psa-connections',
    { kind: 'nothing' },
    { 'idempotency-key': key },
  );
  expect(failed.status).toBe(400);
  expect((await create(key, 'After all')).status).toBe(201);
});

test('requests at once with one key that all fail never lose the key', async () => {
  const key = randomUUID();
  const fail = () =>
    harness.admin.call<{ code: string }>(
      'POST',
      '/v1/psa-connections',
      { kind: 'nothing' },
      { 'idempotency-key': key },
    );
  for (const answer of await Promise.all(Array.from({ length: 20 }, fail))) expect([400, 409]).toContain(answer.status);
  expect((await create(key, 'Not lost')).status).toBe(201);
  expect((await create(key, 'Not lost')).headers.get('idempotent-replayed')).toBe('true');
});

test.each(['', 'with space', 'ümlaut', 'x'.repeat(201)])('the key "%s" is refused', async (key) => {
  const response = await fetch(`${harness.url}/v1/psa-connections`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${harness.one.tokens.admin}`,
      'content-type': 'application/json',
      'idempotency-key': key,
    },
    body: JSON.stringify({ ...psaCredentials, name: 'Bad key' }),
  });
  expect(await response.json()).toMatchObject({ status: 400, code: 'invalid-idempotency-key' });
  expect(await count('Bad key')).toBe(0);
});

test('the answer that is sent again to a request for a key or a link has neither, and fits the contract', async () => {
  for (const [path, body, secret] of [
    [`/v1/integrations/${harness.one.integrationId}/key`, { overlapHours: 1 }, 'key'],
    ['/v1/invitations', { email: 'again@example.com', role: 'viewer' }, 'link'],
    ['/v1/tokens', { name: 'again', scope: 'read', lifeDays: 30 }, 'secret'],
  ] as const) {
    const ask = () =>
      harness.admin.call<object>('POST', path, body, { 'idempotency-key': `once ${secret}`.replace(' ', '-') });
    const first = await ask();
    const again = await ask();
    expect(first.body).toHaveProperty(secret);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(again.body).toEqual({ ...first.body, [secret]: undefined });
    expect(again.body).not.toHaveProperty(secret);
  }
});

test('a replayed answer never holds a secret, however deep it was (invariant 7)', async () => {
  // No route of this version answers with one, so a route of the test's own does.
  const app = new Hono<ApiEnv>();
  let calls = 0;
  app.use(async (c, next) => {
    c.set('requestId', 'test');
    c.set('deps', { db: harness.db, logger: pino({ level: 'silent' }) } as never);
    const actor = `token:${randomUUID()}`;
    c.set('caller', { actor, organizationId: harness.one.organizationId, scopes: ['admin'] });
    await next();
  });
  app.post('/keys', idempotency, (c) => {
    calls++;
    return c.json({
      id: 1,
      key: 'cs_secret',
      integration: { name: 'kept', token: 'cs_secret' },
      list: [{ secret: 'cs_secret' }],
    });
  });
  const ask = () => app.request('/keys', { method: 'POST', headers: { 'idempotency-key': 'a-secret' } });
  expect(await (await ask()).text()).toContain('cs_secret');
  expect(await (await ask()).json()).toEqual({ id: 1, integration: { name: 'kept' }, list: [{}] });
  expect(calls).toBe(1);
  expect(JSON.stringify(await harness.dump())).not.toContain('cs_secret');
});
