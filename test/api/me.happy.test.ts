import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';

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
  expect(me).toEqual({ organization: { id: harness.one.organizationId, name: expect.any(String) }, scopes });
});
