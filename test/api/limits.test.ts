import { Hono } from 'hono';
import type { ApiEnv } from '../../api/context.ts';
import { rateLimit } from '../../api/middleware/rateLimit.ts';
import { createVendorGate } from '../../api/vendorApi/authenticate.ts';
import type { VendorContext } from '../../api/vendorApi/responses.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { until } from '../../dev/until.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi({ env: { API_RATE_PER_SECOND: '5', API_BODY_LIMIT: '2000' } });
});
afterAll(() => harness?.close());

test('more requests than one token may make are refused, with when to come back; other tokens go on', async () => {
  const flood = await Promise.all(Array.from({ length: 40 }, () => harness.admin.call('GET', '/v1/vendors')));
  const refused = flood.filter((answer) => answer.status === 429);
  expect(flood.filter((answer) => answer.status === 200).length).toBeGreaterThanOrEqual(10);
  expect(refused.length).toBeGreaterThan(10);
  for (const answer of refused) {
    expect(answer.body).toMatchObject({ code: 'too-many-requests' });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  }
  expect((await harness.as(harness.one.tokens.read).call('GET', '/v1/vendors')).status).toBe(200);
  expect((await harness.as(harness.other.tokens.admin).call('GET', '/v1/vendors')).status).toBe(200);
  await until(
    'the token to be let in again',
    async () => (await harness.admin.call('GET', '/v1/vendors')).status === 200,
  );
});

test('a refused request does nothing', async () => {
  const path = `/v1/psa-connections/${harness.one.psaConnectionId}/check`;
  const operate = harness.as(harness.one.tokens.operate);
  const answers = await Promise.all(Array.from({ length: 30 }, () => operate.call('POST', path)));
  const accepted = answers.filter((answer) => answer.status === 202).length;
  expect(accepted).toBeLessThan(30);
  const theirs = harness.wakes.filter((wake) => wake.id === harness.one.psaConnectionId);
  expect(theirs).toHaveLength(accepted);
});

test('the largest body is a setting', async () => {
  const caller = harness.as(harness.other.tokens.operate);
  const problem = await caller.problem(413, 'too-large', 'POST', '/v1/approvals', { previewId: 'x'.repeat(2_000) });
  expect(problem.detail).toContain('2000 bytes');
});

test('however many others ask, a token that has asked too often is still refused', async () => {
  const app = new Hono<ApiEnv>();
  app.use(async (c, next) => {
    c.set('caller', { actor: c.req.query('as') ?? '', organizationId: '', scopes: [] });
    await next();
  });
  app.use(rateLimit(1));
  app.get('/', (c) => c.text('let in'));
  app.onError((error, c) => c.text(error.message, 429));
  const ask = async (actor: string) => (await app.request(`/?as=${actor}`)).status;
  expect(await ask('noisy')).toBe(200);
  while ((await ask('noisy')) === 200);
  const others = await Promise.all(Array.from({ length: 11_000 }, (_, n) => ask(`other-${n}`)));
  expect(new Set(others)).toEqual(new Set([200]));
  // A slow machine may have taken longer than the two seconds of the window: then it is let in twice, and not more.
  const again = [await ask('noisy'), await ask('noisy'), await ask('noisy')];
  expect(again).toContain(429);
});

test('however many addresses try wrong keys, the one that has tried too many is still refused', async () => {
  const gate = createVendorGate(new Map([['acme', 'the-vendor-key']]), 100);
  const from = (remoteAddress: string) =>
    ({
      req: { header: () => undefined },
      env: { incoming: { socket: { remoteAddress } } },
    }) as unknown as VendorContext;
  const wrong = async (address: string) =>
    gate
      .enter(from(address), async () => undefined)
      .then(
        () => 200,
        (error: { status: number }) => error.status,
      );
  for (let n = 0; n < 20; n++) expect(await wrong('10.0.0.1')).toBe(401);
  expect(await wrong('10.0.0.1')).toBe(429);
  const others = await Promise.all(Array.from({ length: 11_000 }, (_, n) => wrong(`10.1.${n >> 8}.${n & 255}`)));
  expect(new Set(others)).toEqual(new Set([401]));
  expect(await wrong('10.0.0.1')).toBe(429);
});
