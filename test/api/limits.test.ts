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
