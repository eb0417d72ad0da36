import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from 'drizzle-orm';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { seedPreview } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

const nobody = '0b8f9c1e-5d2c-4c53-9d0e-3f6f3a3f1d11';

test.each([
  ['without a connection', {}, 400, 'invalid-request'],
  ['of a connection nobody has', { psaConnectionId: nobody }, 404, 'not-found'],
  ['with a filter nobody knows', { psaConnectionId: nobody, filter: { flag: 'x' } }, 400, 'invalid-request'],
])('a preview %s is refused', async (_, body, status, code) => {
  const before = await harness.dump();
  await harness.admin.problem(status, code, 'POST', '/v1/approvals/previews', body);
  expect(await harness.dump()).toEqual(before);
});

test("another tenant's connection and preview are as if they were not there", async () => {
  const theirs = await seedPreview(harness.other);
  const before = await harness.dump();
  const { psaConnectionId } = harness.other;
  await harness.admin.problem(404, 'not-found', 'POST', '/v1/approvals/previews', { psaConnectionId });
  await harness.admin.problem(404, 'not-found', 'POST', '/v1/approvals', { previewId: theirs });
  await harness.admin.problem(404, 'not-found', 'GET', `/v1/approvals/previews/${theirs}`);
  await harness.admin.problem(404, 'not-found', 'GET', `/v1/approvals/previews/${theirs}/lines`);
  expect(await harness.dump()).toEqual(before);
});

test('a preview that has expired is gone, and the next one removes it', async () => {
  const old = await seedPreview(harness.one);
  await harness.db.execute(sql`update approval_preview set expires_at = now() - interval '1 second' where id = ${old}`);
  const problem = await harness.admin.problem(404, 'not-found', 'POST', '/v1/approvals', { previewId: old });
  expect(problem.detail).toContain('24 hours');
  await seedPreview(harness.one);
  const { rows } = await harness.db.execute(sql`select 1 from approval_preview_line where preview_id = ${old}`);
  expect(rows).toEqual([]);
});
