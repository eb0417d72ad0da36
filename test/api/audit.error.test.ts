import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

test.each([
  ['limit', 'limit=1000'],
  ['from', 'from=yesterday'],
  ['from', 'from=1999-12-31'],
  ['to', 'from=2026-11-02&to=2026-11-01'],
  ['timeZone', 'from=2026-11-01&timeZone=Mars'],
  ['by', 'by='],
])('a request with a bad %s is refused, and names it, also for the file', async (field, query) => {
  for (const path of field === 'limit' ? ['/v1/audit'] : ['/v1/audit', '/v1/audit.csv']) {
    const problem = await harness.admin.problem(400, 'invalid-request', 'GET', `${path}?${query}`);
    expect(problem.errors).toMatchObject([{ field }]);
  }
});

test('the audit cannot be changed', async () => {
  for (const method of ['POST', 'PUT', 'DELETE'])
    await harness.admin.problem(405, 'method-not-allowed', method, '/v1/audit', {});
});
